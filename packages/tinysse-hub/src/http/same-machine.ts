import type { IncomingMessage } from 'node:http';
import { Refused } from './answer.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Keeps web pages of other sites away from a hub that asks nobody who they are. A page can make its own name point to this
 * machine (DNS rebinding), which the Host header betrays, and can post anywhere, which the Origin header betrays.
 *
 * @param port - where the hub listens
 * @returns a check that throws a Refused 403
 */
export function sameMachine(port: number): (req: IncomingMessage) => void {
  const suffix = `:${port}`;
  const usual = new Set([`127.0.0.1${suffix}`, `localhost${suffix}`]);
  const isOurs = (authority: string): boolean => {
    if (usual.has(authority)) return true;
    if (authority.endsWith(suffix)) return LOOPBACK.test(authority.slice(0, -suffix.length));
    return (port === 80 || port === 443) && LOOPBACK.test(authority);
  };
  return ({ method, headers, socket }) => {
    const { origin } = headers;
    const host = (headers[':authority'] as string | undefined) ?? headers.host;
    // Only HTTP/1.0 may leave the Host out, and no browser does.
    if (host !== undefined && !isOurs(host))
      throw new Refused(403, 'FORBIDDEN', `the Host ${JSON.stringify(host)} is not this hub; use 127.0.0.1${suffix}`);
    if (origin === undefined || method === 'GET' || method === 'HEAD') return;
    const scheme = (socket as { encrypted?: boolean }).encrypted ? 'https://' : 'http://';
    if (!origin.startsWith(scheme) || !isOurs(origin.slice(scheme.length)))
      throw new Refused(403, 'FORBIDDEN', `pages of ${JSON.stringify(origin)} may not use this hub`);
  };
}
