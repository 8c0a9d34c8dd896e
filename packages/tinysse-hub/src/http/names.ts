import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../values.js';
import { Refused } from './answer.js';
import { type Cors, notForPagesOf } from './cors.js';

export interface NamesOptions {
  /** Where the hub listens. */
  readonly host: string;
  readonly port: number;
  /** Whether it asks nobody who they are. */
  readonly open: boolean;
  /** What else clients may call it. */
  readonly names: readonly string[];
  readonly cors: Cors;
}

/**
 * Keeps web pages of other sites away. A page can make its own name point to the hub (DNS rebinding), which the Host header
 * betrays, and can post anywhere, which the Origin header betrays.
 *
 * Without keys the hub accepts only its own host names. With keys, tokens authorise, so it checks the host only for requests
 * that change something. On an address that others reach it cannot know its names, so it takes any unless it is told some.
 *
 * @returns a check that throws a Refused: 421 for another Host (RFC 9110 section 7.4), 403 for another Origin
 */
export function checkNames({ host, port, open, names, cors }: NamesOptions): (req: IncomingMessage) => void {
  const here = isLoopback(host);
  const usual = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  const given = new Set(names);
  const isOurs = (authority: string): boolean => {
    if (usual.has(authority)) return true;
    const [name, at] = split(authority);
    if (name === undefined) return false;
    if (given.has(name)) return true;
    // A browser leaves out the usual port only, so a Host without one comes from a client that never names it.
    if (isLoopback(name)) return at === undefined || at === port;
    // No page has an address for its name, unless it comes from there.
    return !here && (given.size === 0 || isIP(name) !== 0);
  };
  return ({ method, headers, socket }) => {
    const reads = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
    if (reads && !open) return;
    const { origin } = headers;
    const authority = (headers[':authority'] as string | undefined) ?? headers.host;
    // Only HTTP/1.0 may leave the Host out, and no browser does.
    if (authority !== undefined && !isOurs(authority))
      throw new Refused(
        421,
        'MISDIRECTED',
        `the Host ${JSON.stringify(authority)} is not this hub; if it is, say so with --allow-host`,
      );
    if (origin === undefined || reads || cors.allows(origin)) return;
    const secure = (socket as { encrypted?: boolean }).encrypted === true;
    if (isOwn(origin, authority, open ? (secure ? 'https:' : 'http:') : undefined)) return;
    throw notForPagesOf(origin);
  };
}

/** Whether a page is of this hub: it comes from the name that it calls the hub by. */
function isOwn(origin: string, authority: string | undefined, scheme: string | undefined): boolean {
  // An app's own page, as file:// or capacitor://localhost, is of no hub.
  if (authority === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const ours = `${protocol}//${authority}`;
  // Behind a proxy that terminates TLS the schemes differ.
  return (scheme === undefined || protocol === scheme) && URL.canParse(ours) && host === new URL(ours).host;
}

/** A name as clients write it, in lower case and without the brackets of IPv6, and the port. */
function split(authority: string): [name: string | undefined, port: number | undefined] {
  const [, name, port] = /^([\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i.exec(authority) ?? [];
  return [name?.toLowerCase().replace(/^\[(.*)\]$/, '$1'), port === undefined ? undefined : Number(port)];
}
