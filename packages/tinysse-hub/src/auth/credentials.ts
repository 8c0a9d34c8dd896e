import type { IncomingHttpHeaders } from 'node:http';

/** The token of `Authorization: Bearer …`. */
export function bearer({ authorization }: IncomingHttpHeaders): string | undefined {
  return authorization && /^bearer +(\S+) *$/i.exec(authorization)?.[1];
}

/** The token of the cookie `access_token`, which a browser shows by itself. */
export function cookieToken({ cookie }: IncomingHttpHeaders): string | undefined {
  return cookie && /(?:^|;) *access_token="?([^;"\s]+)/.exec(cookie)?.[1];
}
