import { createHash } from 'node:crypto';
import { Refused } from '../http/answer.js';
import { compile, everything, nothing, type Patterns } from './patterns.js';

/** Who asks, and what they may do. */
export interface Grant {
  /** Tells one sender from another without giving a token away; undefined for whoever shows none. */
  readonly id?: string;
  /** The token's `sub`, for people who read the log. */
  readonly subject?: string;
  /** Whose idempotency keys its events have; undefined when everybody is the same. */
  readonly publisher?: string;
  readonly publish: Patterns;
  readonly subscribe: Patterns;
  /** Whether it may look at channels and end streams. */
  readonly admin: boolean;
  /** When it ends, in milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** Of a hub without keys, which only this machine can reach. */
export const OPEN: Grant = { publish: everything, subscribe: everything, admin: true };

/** What needs no token. */
export const anonymousGrant = (patterns: readonly string[]): Grant => ({
  publish: nothing,
  subscribe: compile(patterns),
  admin: false,
});

/** The part of a token's payload that this hub reads; it has been signed, but by whom its shape is not known. */
export interface Claims {
  readonly iss?: unknown;
  readonly sub?: unknown;
  readonly exp?: number;
  readonly tinysse?: unknown;
}

/**
 * What a verified token grants: `tinysse: { publish: [], subscribe: [], admin }`, and whatever needs none.
 * @throws Error saying which claim has not its shape
 */
export function grantOf(id: string, claims: Claims, anonymous: Grant): Grant {
  const { sub, exp, tinysse = {} } = claims;
  if (typeof tinysse !== 'object' || tinysse === null || Array.isArray(tinysse))
    throw new Error('its claim "tinysse" must be an object');
  const { publish, subscribe, admin = false } = tinysse as Record<string, unknown>;
  if (typeof admin !== 'boolean') throw new Error('its claim "tinysse.admin" must be true or false');
  const own = compile(names('subscribe', subscribe));
  return {
    id,
    ...(typeof sub === 'string' && { subject: sub }),
    publisher: publisherOf(claims),
    publish: compile(names('publish', publish)),
    subscribe: {
      none: own.none && anonymous.subscribe.none,
      matches: (channel) => own.matches(channel) || anonymous.subscribe.matches(channel),
    },
    admin,
    ...(exp !== undefined && { expiresAt: exp * 1000 }),
  };
}

/** The subject, whichever of its tokens it shows; without one it is the token, however it is spelt. */
function publisherOf(claims: Claims): string {
  const { iss, sub } = claims;
  const who = typeof sub === 'string' && sub !== '' ? { iss, sub } : [claims];
  return createHash('sha256').update(JSON.stringify(who)).digest('base64url');
}

function names(claim: string, value: unknown = []): string[] {
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw new Error(`its claim "tinysse.${claim}" must be an array of channel names`);
}

/** @throws Refused 403 naming the first channel that is not granted; 401 when a token could */
export function requireChannels(grant: Grant, action: 'publish' | 'subscribe', channels: readonly string[]): void {
  const refused = channels.find((channel) => !grant[action].matches(channel));
  if (refused === undefined) return;
  const name = JSON.stringify(refused);
  if (grant.id === undefined) throw noToken(`to ${action} to ${name}`);
  throw forbidden(`this token may not ${action} to ${name}; its claim tinysse.${action} would have to name it`);
}

/** Before anything that costs. @throws Refused 403 for a token that may publish nowhere */
export function requirePublisher({ publish }: Grant): void {
  if (publish.none)
    throw forbidden('this token may not publish; its claim tinysse.publish would have to name channels');
}

/** @throws Refused 403, or 401 when a token could */
export function requireAdmin(grant: Grant): void {
  if (grant.admin) return;
  if (grant.id === undefined) throw noToken('for this');
  throw forbidden('this needs a token whose claim tinysse.admin is true');
}

const forbidden = (message: string): Refused => new Refused(403, 'FORBIDDEN', message);

/** @param what - what a token would be for */
export const noToken = (what: string): Refused =>
  new Refused(401, 'UNAUTHORIZED', `a token is needed ${what}: send "Authorization: Bearer TOKEN"`, {
    'www-authenticate': 'Bearer realm="tinysse"',
  });
