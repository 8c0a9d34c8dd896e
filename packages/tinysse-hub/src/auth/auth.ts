import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { ServeConfig } from '../config.js';
import { Failure, UsageError } from '../problems.js';
import { isLoopback } from '../values.js';
import { bearer, cookieToken } from './credentials.js';
import { anonymousGrant, type Grant, noToken, OPEN, requireAdmin, requireChannels, requirePublisher } from './grant.js';
import { checkSecret, openKeys } from './keys.js';
import { Verifier } from './verifier.js';

/** Who may do what. Every function throws Refused: 401 without a valid token, 403 when it does not grant that. */
export interface Auth {
  /** Whether there are no keys: everybody who reaches the hub may do everything. */
  readonly open: boolean;
  /** Publishing takes a Bearer token only: what a browser sends by itself must not publish. Channels: {@link requireChannels}. */
  publisher(req: IncomingMessage): Grant | Promise<Grant>;
  /** @param token - of the query; a Bearer token goes before it, a cookie after it */
  subscriber(req: IncomingMessage, channels: readonly string[], token?: string): Grant | Promise<Grant>;
  /** For what shows or changes more than one's own channels. Bearer only. */
  admin(req: IncomingMessage): Grant | Promise<Grant>;
}

/** Without keys. */
export const openToAll: Auth = { open: true, publisher: () => OPEN, subscriber: () => OPEN, admin: () => OPEN };

type Settings = Pick<
  ServeConfig,
  | 'host'
  | 'jwtSecret'
  | 'jwtSecretFile'
  | 'jwksUrl'
  | 'jwksFile'
  | 'jwtIssuer'
  | 'jwtAudience'
  | 'clockLeeway'
  | 'anonymous'
  | 'corsOrigin'
>;

/**
 * @param log - told of keys that cannot be had
 * @throws UsageError for settings that do not go together; Failure for keys that are none
 */
export async function openAuth(config: Settings, log: (message: string, error: unknown) => void): Promise<Auth> {
  if (config.jwksUrl && config.jwksFile) throw new UsageError('--jwks-url and --jwks-file: give one of the two');
  const keys = await openKeys({ ...config, secret: readSecret(config), log });
  if (!keys) {
    checkAlone(config);
    return openToAll;
  }
  const anonymous = anonymousGrant(config.anonymous);
  const expected = { issuer: config.jwtIssuer, audience: config.jwtAudience, leewayMs: config.clockLeeway };
  const verifier = new Verifier(keys, expected, anonymous);
  const identify = (token: string | undefined): Grant | Promise<Grant> =>
    token === undefined ? anonymous : verifier.verify(token);
  return {
    open: false,
    publisher(req) {
      const token = bearer(req.headers);
      if (token === undefined) throw noToken('to publish');
      return checked(verifier.verify(token), requirePublisher);
    },
    subscriber: (req, channels, token) =>
      checked(identify(bearer(req.headers) ?? token ?? cookieToken(req.headers)), (grant) =>
        requireChannels(grant, 'subscribe', channels),
      ),
    admin: (req) => checked(identify(bearer(req.headers)), requireAdmin),
  };
}

/** Checks at once where it can: a turn of the microtask queue for each connect would be felt. */
function checked(grant: Grant | Promise<Grant>, check: (grant: Grant) => void): Grant | Promise<Grant> {
  if (grant instanceof Promise) return grant.then((grant) => checked(grant, check));
  check(grant);
  return grant;
}

/** A hub that asks nobody who they are is for this machine. */
function checkAlone({ host, anonymous, corsOrigin, jwtIssuer, jwtAudience }: Settings): void {
  const keys = '--jwt-secret-file, --jwt-secret, --jwks-url or --jwks-file';
  if (!isLoopback(host))
    throw new UsageError(
      `--host ${host}: without keys everybody may publish and read, so the hub listens on this machine only ` +
        `(127.0.0.1, ::1 or localhost); to let others in, say who may do what: set ${keys}`,
    );
  if (anonymous.length > 0)
    throw new UsageError(`--anonymous ${anonymous[0]}: without keys everybody may do everything; set ${keys} as well`);
  if (corsOrigin.includes('*'))
    throw new UsageError(
      `--cors-origin *: without keys every page could publish; name origins, or set ${keys} as well`,
    );
  if (jwtIssuer !== undefined || jwtAudience !== undefined)
    throw new UsageError(`--jwt-issuer and --jwt-audience are for tokens, which need a key; set ${keys} as well`);
}

/** The secret of HS256 tokens, if one is set. @throws UsageError, Failure */
export function readSecret({
  jwtSecret,
  jwtSecretFile,
}: Pick<Settings, 'jwtSecret' | 'jwtSecretFile'>): Uint8Array<ArrayBuffer> | undefined {
  if (jwtSecret !== undefined && jwtSecretFile !== undefined)
    throw new UsageError('--jwt-secret and --jwt-secret-file: give one of the two');
  if (jwtSecret === undefined && jwtSecretFile === undefined) return undefined;
  const [text, origin] =
    jwtSecret !== undefined
      ? [jwtSecret, '--jwt-secret']
      : [readText(jwtSecretFile!), `--jwt-secret-file ${jwtSecretFile}`];
  const secret = new TextEncoder().encode(text);
  checkSecret(secret, origin);
  return secret;
}

/** Less its last line end, which an editor adds. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new Failure(`--jwt-secret-file ${path}: ${(error as Error).message}`);
  }
}
