import type { Clock } from '../clock.js';
import type { Hub } from '../hub/hub.js';
import { type Connector, discard } from './connect.js';
import type { NodeRequest, NodeResponse } from './node-shapes.js';
import { nodeSink } from './node-sink.js';
import type { SSERequest, Subscription } from './options.js';
import { STREAM_HEADERS } from './refusal.js';

/** What a binding works with. */
export interface NodeBinding {
  readonly hub: Hub;
  readonly connector: Connector;
  readonly clock: Clock;
  readonly logger: (...args: unknown[]) => void;
}

/**
 * Answers a Node request, HTTP/1.1 or HTTP/2. Resolves when the answer has begun; never rejects.
 * The response's close counts: a request closes as soon as its body has been read.
 */
export async function serve(
  binding: NodeBinding,
  req: NodeRequest,
  res: NodeResponse,
  subscription?: Subscription,
): Promise<void> {
  const { hub, connector, clock, logger } = binding;
  let gone = false;
  let leave = (): void => {};
  const left = new AbortController();
  res.once('close', () => {
    gone = true;
    left.abort();
    leave();
  });
  // A write to a client that has just gone is no error of anybody's; the close event follows.
  res.on('error', () => {});
  try {
    const request = requestOf(req, left);
    const decided = await connector.decide(request, { raw: req }, subscription);
    const decision = connector.confirm(request, decided);
    gone ||= res.writableEnded || res.destroyed;
    if (gone || decision.kind !== 'stream') discard(subscription);
    if (gone) return;
    if (decision.kind === 'response') return await sendResponse(res, decision.response);
    if (decision.kind === 'refusal') {
      const { status, headers, body } = decision.refusal;
      return sendHead(res, status, headers).end(
        req.method === 'HEAD' || status === 204 ? undefined : body,
      ) as undefined;
    }
    sendHead(res, 200, STREAM_HEADERS).flushHeaders?.();
    const { sink, finished } = nodeSink(req, res, clock);
    leave = hub.subscribe({ ...decision.stream, sink, onClose: (reason) => reason === 'gone' && finished() });
    if (gone) leave();
  } catch (error) {
    logger('a response failed', error);
    if (res.headersSent) res.destroy();
    else sendHead(res, 500, {}).end();
  }
}

function sendHead(res: NodeResponse, status: number, headers: Record<string, string>): NodeResponse {
  res.statusCode = status;
  for (const name in headers) res.setHeader(name, headers[name] as string);
  return res;
}

async function sendResponse(res: NodeResponse, response: Response): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') res.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
  res.end(new Uint8Array(await response.arrayBuffer()));
}

/** A Node request in the shape of the standard Request; what costs is made when asked for. */
function requestOf(req: NodeRequest, left: AbortController): SSERequest {
  let headers: Headers | undefined;
  let url: string | undefined;
  return {
    method: req.method ?? 'GET',
    signal: left.signal,
    get url() {
      return (url ??= urlOf(req));
    },
    get headers() {
      return (headers ??= headersOf(req));
    },
  };
}

const AUTHORITY = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i;

function urlOf(req: NodeRequest): string {
  // Express and Connect cut the mount path off `url` and keep the whole in `originalUrl`.
  const target = (req as { originalUrl?: string }).originalUrl ?? req.url ?? '/';
  if (!target.startsWith('/')) return URL.canParse(target) ? target : 'http://localhost/';
  const scheme = (req.socket as { encrypted?: boolean } | null)?.encrypted ? 'https' : 'http';
  const authority = String(req.headers[':authority'] ?? req.headers.host ?? '');
  return `${scheme}://${AUTHORITY.test(authority) ? authority : 'localhost'}${target}`;
}

function headersOf(req: NodeRequest): Headers {
  const headers = new Headers();
  for (const name in req.headers) {
    const value = req.headers[name];
    if (name.startsWith(':') || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return headers;
}
