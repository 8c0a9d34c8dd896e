/** What a request's head says, as node:http reads it. */
export interface Head {
  readonly url: string;
  readonly headers: Record<string, string>;
}

// Everything about it is usual: one complete head of a GET for the stream, in a form that leaves nothing to interpretation.
const LONGEST = 4_096;
const HEAD = /^GET (\/events\?[\w%&=.~:,*@!+/-]*) HTTP\/1\.1\r\n((?:[A-Za-z-]+: [!-~](?:[ -~]*[!-~])?\r\n)+)\r\n$/;

/** Headers that change nothing about how a message is read, and what browsers, clients and proxies send. */
const KNOWN = new Set(
  (
    'host connection accept accept-encoding accept-language authorization baggage cache-control cookie dnt forwarded ' +
    'last-event-id origin pragma priority referer sentry-trace traceparent tracestate user-agent via x-forwarded-for ' +
    'x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip x-request-id'
  ).split(' '),
);
const OF_BROWSERS = /^sec-(?:ch-ua|fetch)[a-z-]*$/;

/**
 * Reads the head of a usual request for the stream.
 *
 * @param chunk - the first bytes of a connection
 * @returns undefined for everything else: what is not complete, goes on after the head, has a body, asks to be upgraded, is
 *   long, repeats a header or has one that is not known here
 */
export function readHead(chunk: Buffer): Head | undefined {
  if (chunk.length > LONGEST) return undefined;
  const [, url, fields] = HEAD.exec(chunk.toString('latin1')) ?? [];
  if (url === undefined || fields === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const line of fields.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (name in headers || !(KNOWN.has(name) || OF_BROWSERS.test(name))) return undefined;
    headers[name] = line.slice(colon + 2);
  }
  const { host, connection } = headers;
  if (host === undefined || (connection !== undefined && connection.toLowerCase() !== 'keep-alive')) return undefined;
  return { url, headers };
}
