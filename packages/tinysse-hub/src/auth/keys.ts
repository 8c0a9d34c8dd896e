import { webcrypto } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { redirectOf } from '../http/redirect.js';
import { Failure } from '../problems.js';
import { type QuickVerify, quickVerify } from './hmac.js';

/** What verifies tokens. */
export interface Keys {
  /** Those and no others: a token does not choose how it is verified. */
  readonly algorithms: readonly string[];
  /** @throws KeysAway when the keys cannot be had now */
  readonly find: JWTVerifyGetKey;
  /** For tokens signed with a secret. */
  readonly quick?: QuickVerify | undefined;
  /** Changes with the keys, so that what was verified with former ones is verified again. */
  generation(): number;
}

/** The keys cannot be had now: not the token's fault. */
export class KeysAway extends Error {}

const HMAC = 'HS256';
const SIGNATURES = ['RS256', 'ES256', 'EdDSA', 'Ed25519'];
/** As RFC 7518 section 3.2 asks for: a shorter key can be found by trying. */
const LEAST_SECRET_BYTES = 32;

/** Where keys come from; a secret and a set go together, the token's algorithm tells them apart. */
export interface KeySources {
  readonly secret?: Uint8Array<ArrayBuffer> | undefined;
  readonly jwksUrl?: URL | undefined;
  readonly jwksFile?: string | undefined;
  /** Told of keys that cannot be read. */
  readonly log: (message: string, error: unknown) => void;
}

/**
 * @returns undefined when there are no keys at all
 * @throws Failure for a file that holds no keys
 */
export async function openKeys({ secret, jwksUrl, jwksFile, log }: KeySources): Promise<Keys | undefined> {
  const hmac = secret && (await importSecret(secret));
  const set = jwksUrl ? remoteSet(jwksUrl, log) : jwksFile ? fileSet(jwksFile, log) : undefined;
  if (!hmac && !set) return undefined;
  return {
    algorithms: [...(hmac ? [HMAC] : []), ...(set ? SIGNATURES : [])],
    quick: secret && quickVerify(secret),
    find: (header, token) => (header.alg === HMAC && hmac ? hmac : set!.find(header, token)),
    generation: () => set?.generation() ?? 0,
  };
}

/** @throws Failure saying what is wrong with it, but not what it is */
export function checkSecret(secret: Uint8Array, origin: string): void {
  if (secret.length >= LEAST_SECRET_BYTES) return;
  throw new Failure(
    `${origin} has ${secret.length} bytes; HS256 needs at least ${LEAST_SECRET_BYTES}: make one with openssl rand -base64 32`,
  );
}

export const importSecret = (secret: Uint8Array<ArrayBuffer>): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);

type KeySet = Pick<Keys, 'find' | 'generation'>;

const NOT_FOUND = new Set(['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS']);
/** After a failure the address is left alone for so long, however many tokens come. */
const FETCH_AGAIN_MS = 1_000;

/** A set that is fetched when a token names a key that is not in it, at most every 30 s, and every 10 min anyway. */
function remoteSet(url: URL, log: KeySources['log']): KeySet {
  let failure: { until: number; error: unknown } | undefined;
  const set = createRemoteJWKSet(url, {
    [customFetch]: async (...args) => {
      if (failure && Date.now() < failure.until) throw failure.error;
      try {
        const response = await fetch(...args);
        if (response.status !== 200) throw new Error(`${url.origin} answered with status ${statusOf(response, url)}`);
        failure = undefined;
        return response;
      } catch (error) {
        failure = { until: Date.now() + FETCH_AGAIN_MS, error };
        log('the keys cannot be fetched', error);
        throw error;
      }
    },
  });
  return {
    generation: () => 0,
    async find(header, token) {
      try {
        return await set(header, token);
      } catch (cause) {
        if (cause instanceof errors.JOSEError && NOT_FOUND.has(cause.code)) throw cause;
        throw new KeysAway('the keys cannot be had', { cause });
      }
    },
  };
}

/** A redirect is not followed: keys are taken from where the settings say, and nowhere else. */
function statusOf({ status, headers }: Response, url: URL): string {
  const to = redirectOf(status, headers.get('location'), url);
  return to === undefined ? String(status) : `${status}, to ${to}; if the keys are there, name that with --jwks-url`;
}

const LOOK_AGAIN_MS = 1_000;

/** A set in a file, which is read again when it has changed; one that cannot be read leaves the former keys. */
function fileSet(path: string, log: KeySources['log']): KeySet {
  let [set, stamp] = readSet(path);
  let generation = 0;
  let looked = Date.now();
  const look = (): void => {
    const now = Date.now();
    if (now - looked < LOOK_AGAIN_MS) return;
    looked = now;
    try {
      if (stampOf(path) === stamp) return;
      [set, stamp] = readSet(path);
      generation++;
    } catch (error) {
      log('the file of keys has changed and cannot be read; the former keys stay', error);
    }
  };
  return {
    generation() {
      look();
      return generation;
    },
    find: (header, token) => set(header, token),
  };
}

function readSet(path: string): [set: JWTVerifyGetKey, stamp: string] {
  try {
    const stamp = stampOf(path);
    return [createLocalJWKSet(JSON.parse(readFileSync(path, 'utf8')) as JSONWebKeySet), stamp];
  } catch (error) {
    // A syntax error shows what the file holds, and that may be a secret.
    const problem = error instanceof SyntaxError ? 'not JSON' : (error as Error).message;
    throw new Failure(`--jwks-file ${path}: not a JSON Web Key Set: ${problem}`);
  }
}

function stampOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs} ${size} ${ino}`;
}
