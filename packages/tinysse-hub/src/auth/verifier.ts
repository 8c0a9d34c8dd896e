import { createHash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { Refused } from '../http/answer.js';
import { type Claims, type Grant, grantOf } from './grant.js';
import { checksOf, type Expected } from './hmac.js';
import { type Keys, KeysAway } from './keys.js';

/** Longer ones are not looked at. */
const LONGEST_TOKEN = 8 * 2 ** 10;
/** A verified token is not verified again for so long: a publisher shows the same one with every event. */
const KNOWN_MS = 60_000;
const MOST_KNOWN = 10_000;

const EXPIRED = 'it has expired';

interface Known {
  readonly grant: Grant;
  readonly until: number;
}

/** Turns tokens into grants. */
export class Verifier {
  readonly #keys: Keys;
  readonly #expected: Expected;
  readonly #anonymous: Grant;
  /** By the token's hash, so that a copy of this memory lets nobody in. The first was verified first. */
  readonly #known = new Map<string, Known>();
  #generation = 0;

  constructor(keys: Keys, expected: Expected, anonymous: Grant) {
    this.#keys = keys;
    this.#expected = expected;
    this.#anonymous = anonymous;
  }

  /** @throws Refused 401 saying why; 503 when the keys cannot be had */
  verify(token: string): Grant | Promise<Grant> {
    if (token.length > LONGEST_TOKEN) throw invalidToken(`it is longer than ${LONGEST_TOKEN} bytes`);
    if (!isCanonical(token)) throw invalidToken('it is not a JWT that can be verified');
    const generation = this.#keys.generation();
    if (generation !== this.#generation) {
      this.#known.clear();
      this.#generation = generation;
    }
    const hash = hashOf(token);
    const known = this.#known.get(hash);
    if (known && Date.now() < known.until) return known.grant;
    return this.#quick(token, hash) ?? this.#verify(token, hash);
  }

  #quick(token: string, hash: string): Grant | undefined {
    const { quick, algorithms } = this.#keys;
    let claims: Claims | undefined;
    try {
      claims = quick?.(token, this.#expected);
    } catch (error) {
      throw invalidToken(reasonOf(error, algorithms));
    }
    if (claims === undefined) return undefined;
    const grant = this.#grant(token, claims);
    this.#remember(hash, grant);
    return grant;
  }

  async #verify(token: string, hash: string): Promise<Grant> {
    const generation = this.#generation;
    const { algorithms, find } = this.#keys;
    let claims: Claims;
    try {
      const { payload } = await jwtVerify<Claims>(token, find, {
        algorithms: [...algorithms],
        ...checksOf(this.#expected),
      });
      claims = payload;
    } catch (error) {
      if (error instanceof KeysAway)
        throw new Refused(503, 'KEYS_UNAVAILABLE', 'the hub cannot get the keys that verify tokens; try again later', {
          'retry-after': '5',
        });
      throw invalidToken(reasonOf(error, algorithms));
    }
    const grant = this.#grant(token, claims);
    if (generation === this.#generation) this.#remember(hash, grant);
    return grant;
  }

  #grant(token: string, claims: Claims): Grant {
    const { exp } = claims;
    // jose would apply the leeway here too, but a stream ends when its token does.
    if (exp !== undefined && exp * 1_000 <= Date.now()) throw invalidToken(EXPIRED);
    try {
      return grantOf(senderOf(token, claims), claims, this.#anonymous);
    } catch (error) {
      throw invalidToken((error as Error).message);
    }
  }

  #remember(hash: string, grant: Grant): void {
    if (this.#known.size >= MOST_KNOWN)
      for (const [oldest] of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    this.#known.delete(hash);
    this.#known.set(hash, {
      grant,
      until: Math.min(Date.now() + KNOWN_MS, grant.expiresAt ?? Number.POSITIVE_INFINITY),
    });
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/**
 * Whether every part of a token is base64url as RFC 7515 writes it: without padding, other alphabets or unused bits that are set.
 * Readers are lenient, so one signature could be written in many ways.
 */
const isCanonical = (token: string): boolean =>
  token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

/**
 * Tells one sender from another: the subject, where the token names one, however many tokens it has; else what was signed. A
 * signature is not counted: that of ES256 can be changed into another one that is valid.
 */
function senderOf(token: string, { iss, sub }: Claims): string {
  if (typeof sub === 'string') return hashOf(JSON.stringify([iss, sub]));
  return hashOf(token.slice(0, token.lastIndexOf('.')));
}

function reasonOf(error: unknown, algorithms: readonly string[]): string {
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim "${error.claim}" does not fit`;
  switch (error instanceof errors.JOSEError ? error.code : '') {
    case 'ERR_JWT_EXPIRED':
      return EXPIRED;
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return `its algorithm is not allowed; use ${algorithms.join(', ')}`;
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'its signature is wrong; it was made with another key';
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return 'the hub has no key that fits its kid and alg';
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return 'several keys fit; its header must name one (kid)';
    default:
      return 'it is not a JWT that can be verified';
  }
}

const invalidToken = (reason: string): Refused =>
  new Refused(401, 'UNAUTHORIZED', `the token is not valid: ${reason}`, {
    'www-authenticate': 'Bearer realm="tinysse", error="invalid_token"',
  });
