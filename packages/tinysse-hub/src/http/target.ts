import type { IncomingMessage } from 'node:http';
import { Refused } from './answer.js';

/**
 * Brings a request's target into its usual form, in `req.url` and the header Host: clients may write the whole URL of what they
 * ask for, which then counts instead of Host. Source: RFC 9112 sections 3.2 and 3.2.2.
 * @throws Refused 400 for several Host headers, which two readers could understand differently, and for a URL with a user
 */
export function readTarget(req: IncomingMessage): void {
  const { url = '/', rawHeaders = [] } = req;
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (absolute) {
    const [, authority = '', target = ''] = absolute;
    req.url = target.startsWith('/') ? target : `/${target}`;
    // Not shown in the message: it may hold a password.
    if (authority.includes('@')) throw new Refused(400, 'BAD_REQUEST', 'the URL must not hold a user or a password');
    req.headers.host = authority;
  }
  // node:http keeps the first of several. HTTP/2 has names in small letters, as rawHeaders shows them.
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++;
  if (hosts > 1) throw new Refused(400, 'BAD_REQUEST', 'a request has one Host, not several');
}

/** The paths of other hubs, where whoever comes from them would look first, and what to use instead. */
const ELSEWHERE: readonly (readonly [prefix: string, hint: string])[] = [
  ['/.well-known/mercure', 'this hub is no Mercure hub (docs/from-mercure.md)'],
  ['/api/', 'this hub has no API of Centrifugo (docs/from-centrifugo.md)'],
  ['/connection/', 'this hub is no Centrifugo (docs/from-centrifugo.md)'],
];

/** What a path without a route is answered. */
export function notFound(path: string): Refused {
  const [, hint] = ELSEWHERE.find(([prefix]) => path.startsWith(prefix)) ?? [];
  const use = '; subscribe with GET /events?channel=NAME, publish with POST /publish?channel=NAME';
  return new Refused(404, 'NOT_FOUND', `there is nothing at ${path.slice(0, 200)}${hint ? `: ${hint}${use}` : ''}`);
}

/**
 * Refuses what a proxy forwards before its TLS handshake is complete, and what changes something: somebody else may have
 * repeated it. The client sends it again after the handshake. Source: RFC 8470 sections 5.1, where every value counts as 1, and 5.2.
 * @throws Refused 425
 */
export function refuseEarly({ method, headers }: IncomingMessage): void {
  if (headers['early-data'] === undefined || method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  throw new Refused(
    425,
    'TOO_EARLY',
    'a request in early data could be a repeated one; send it after the TLS handshake',
  );
}
