import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refused } from './answer.js';
import type { Route } from './route.js';

/** What pages of other origins may do. Source: https://fetch.spec.whatwg.org/#http-cors-protocol */
export interface Cors {
  /** Whether pages of an origin may use the hub. */
  allows(origin: string): boolean;
  /** Gives a page leave to read the answer, whatever it will be. */
  mark(req: IncomingMessage, res: ServerResponse): void;
  /** Answers a browser that asks what a page may send. @throws Refused 403 */
  preflight(req: IncomingMessage, res: ServerResponse, route: Route): void;
}

/**
 * Headers that a page may send: all that it asks for. What it sends by itself is in its hands anyway, and libraries add their own
 * for tracing. A list of more than this many characters is none of a browser.
 */
const LONGEST_LIST = 4_096;
const HEADERS = 'Authorization, Content-Type, Last-Event-ID';
const isList = (text: string): boolean => text.length <= LONGEST_LIST && /^[\w!#$%&'*+.^`|~, -]+$/.test(text);
/** How long a browser may remember the answer in seconds; Chromium takes no more. */
const MAX_AGE = '7200';

/** @param origins - as a browser writes them; or `*`: every page, but none with the cookies of its user */
export function createCors(origins: readonly string[]): Cors {
  const known = new Set(origins);
  const all = known.has('*');
  const allows = (origin: string): boolean => all || known.has(origin);
  const mark = (req: IncomingMessage, res: ServerResponse): void => {
    if (known.size === 0) return;
    const { origin } = req.headers;
    // What is kept for one origin must not be taken for the answer to another.
    if (!all) res.setHeader('vary', 'Origin');
    if (origin === undefined || !allows(origin)) return;
    res.setHeader('access-control-allow-origin', all ? '*' : origin);
    if (!all) res.setHeader('access-control-allow-credentials', 'true');
    res.setHeader('access-control-expose-headers', 'Retry-After');
  };
  return {
    allows,
    mark,
    preflight({ headers }, res, { methods }) {
      const { origin = '', 'access-control-request-headers': asked = '' } = headers;
      if (!allows(origin)) throw notForPagesOf(origin);
      res.setHeader('access-control-allow-methods', methods.join(', '));
      res.setHeader('access-control-allow-headers', isList(asked) ? asked : HEADERS);
      res.setHeader('access-control-max-age', MAX_AGE);
      res.writeHead(204).end();
    },
  };
}

export const notForPagesOf = (origin: string): Refused =>
  new Refused(
    403,
    'FORBIDDEN',
    `pages of ${JSON.stringify(origin)} may not use this hub; if they may, say so with --cors-origin`,
  );

/** Whether a request is a browser's question on behalf of a page. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
