import type { IncomingHttpHeaders } from 'node:http';
import { isToken } from '../values.js';

/** The token of `Authorization: Bearer …`. */
export function bearer({ authorization }: IncomingHttpHeaders): string | undefined {
  return authorization && /^bearer +(\S+) *$/i.exec(authorization)?.[1];
}

/** The token of the cookie `access_token`, which a browser shows by itself. */
export function cookieToken({ cookie }: IncomingHttpHeaders): string | undefined {
  return cookie && /(?:^|;) *access_token="?([^;"\s]+)/.exec(cookie)?.[1];
}

/** What a client shows of itself, for a server behind this one. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
}

/**
 * The credentials of a request, as they go on to another server: Authorization and Cookie as they came, or the query's token as
 * `Authorization: Bearer`, where the hub goes by it.
 */
export function credentialsOf(headers: IncomingHttpHeaders, token: string | undefined): Credentials {
  const { authorization, cookie } = headers;
  if (token === undefined || bearer(headers) !== undefined || !isToken(token)) return { authorization, cookie };
  return { authorization: `Bearer ${token}`, cookie };
}
