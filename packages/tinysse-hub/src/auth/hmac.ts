import { createHmac, timingSafeEqual } from 'node:crypto';
import { type JWTClaimVerificationOptions, UnsecuredJWT } from 'jose';
import type { Claims } from './grant.js';

/** What a token must say of itself, beside being signed. */
export interface Expected {
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** How far clocks may differ, in milliseconds: a token is taken so long before its "nbf". */
  readonly leewayMs?: number | undefined;
}

/** What jose checks of a token's claims. */
export const checksOf = ({ issuer, audience, leewayMs = 0 }: Expected): JWTClaimVerificationOptions => ({
  clockTolerance: leewayMs / 1_000,
  ...(issuer !== undefined && { issuer }),
  ...(audience !== undefined && { audience }),
});

/**
 * Verifies a token of HS256 at once.
 * @returns its claims, which jose has found valid; undefined for a token that it does not take, which is for jose to judge
 * @throws JOSEError when the token is signed, but has expired or is for somebody else
 */
export type QuickVerify = (token: string, expected: Expected) => Claims | undefined;

/** The header `{"alg":"none"}`. */
const UNSIGNED = 'eyJhbGciOiJub25lIn0';
const PLAIN = new Set(['alg', 'typ', 'kid']);

/**
 * Checks signatures here and leaves the claims to jose, which would take a turn of the event loop and a thread for the
 * signature: bench/auth-connect. It says yes only to the plainest of tokens, whose signature is the very text that the
 * secret makes; so there is nothing to confuse.
 */
export function quickVerify(secret: Uint8Array): QuickVerify {
  return (token, expected) => {
    const end = token.lastIndexOf('.');
    const [header = '', payload = '', ...more] = token.slice(0, Math.max(0, end)).split('.');
    if (more.length > 0 || payload === '' || !isPlain(header)) return undefined;
    const made = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
    const given = Buffer.from(token.slice(end + 1));
    if (given.length !== made.length || !timingSafeEqual(given, Buffer.from(made))) return undefined;
    return UnsecuredJWT.decode<Claims>(`${UNSIGNED}.${payload}.`, checksOf(expected)).payload;
  };
}

/** Whether a token's header says HS256 and nothing that could change what that means. */
function isPlain(header: string): boolean {
  try {
    const fields: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    if (typeof fields !== 'object' || fields === null) return false;
    return (fields as { alg?: unknown }).alg === 'HS256' && Object.keys(fields).every((name) => PLAIN.has(name));
  } catch {
    return false;
  }
}
