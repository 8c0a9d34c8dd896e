import type { Clock } from '../clock.js';
import type { Hub } from '../hub/hub.js';
import { type Connector, discard } from './connect.js';
import { adoptReply } from './fastify.js';
import { discardUnread } from './node-body.js';
import type { NodeRequest, NodeResponse } from './node-shapes.js';
import { openSink } from './node-sink.js';
import type { Subscription } from './options.js';
import type { SSERequest } from './request.js';

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
  { hub, connector, clock, logger }: NodeBinding,
  req: NodeRequest,
  res: NodeResponse,
  subscription?: Subscription,
): Promise<void> {
  adoptReply(res);
  if (isQueued(req, res))
    await new Promise<void>((resolve) => {
      res.once('socket', resolve);
      res.once('close', resolve);
    });
  const request = new RequestOfNode(req);
  res.on('close', () => request.gone());
  // A write to a client that has just gone is no error of anybody's; the close event follows.
  res.on('error', ignore);
  try {
    const decided = await connector.decide(request, { raw: req }, subscription);
    const decision = connector.confirm(request, decided);
    const gone = request.isGone || res.writableEnded || res.destroyed;
    if (gone || decision.kind !== 'stream') discard(subscription);
    if (gone) return;
    if (decision.kind === 'response') return await sendResponse(res, decision.response);
    if (decision.kind === 'refusal') {
      const { status, headers, body } = decision.refusal;
      const empty = req.method === 'HEAD' || status === 204;
      return void sendHead(res, status, headers).end(empty ? undefined : body);
    }
    const sink = openSink(req, res, withVary(res, decision.headers), clock);
    const onClose = connector.begun(request, decision);
    const source = hasBody(req) ? discardUnread(req, decision.stream.source, clock) : decision.stream.source;
    request.leave = hub.subscribe({ ...decision.stream, source, sink, onClose });
    if (request.isGone) request.leave();
  } catch (error) {
    logger('a response failed', error);
    if (res.headersSent) res.destroy();
    else sendHead(res, 500, {}).end();
  }
}

/**
 * Whether an earlier response of the connection has not ended (pipelining). node:http keeps this one back, and does not close it
 * when the client leaves; so a stream that began now could stay for ever.
 */
function isQueued(req: NodeRequest, res: NodeResponse): boolean {
  if (req.httpVersionMajor !== 1 || res.socket !== null) return false;
  const { _httpMessage: current } = (req.socket ?? {}) as { _httpMessage?: unknown };
  return Boolean(current) && current !== res;
}

const ignore = (): void => {};

const hasBody = ({ method }: NodeRequest): boolean => method !== 'GET' && method !== 'HEAD';

function sendHead(res: NodeResponse, status: number, headers: Record<string, string>): NodeResponse {
  res.statusCode = status;
  const all = withVary(res, headers);
  for (const name in all) res.setHeader(name, all[name] as string);
  return res;
}

/** Headers whose `vary` adds to what middleware has set. */
function withVary(res: NodeResponse, headers: Record<string, string>): Record<string, string> {
  const set = headers.vary && res.getHeader?.('vary');
  return set ? { ...headers, vary: `${set}, ${headers.vary}` } : headers;
}

async function sendResponse(res: NodeResponse, response: Response): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') res.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
  res.end(new Uint8Array(await response.arrayBuffer()));
}

/** A Node request in the shape of the standard Request; what costs is made when asked for. */
class RequestOfNode implements SSERequest {
  /** Whether the client has left. */
  isGone = false;
  /** What is to be given back when it leaves. */
  leave: () => void = ignore;
  readonly #req: NodeRequest;
  #headers: Headers | undefined;
  #left: AbortController | undefined;

  constructor(req: NodeRequest) {
    this.#req = req;
  }

  gone(): void {
    this.isGone = true;
    this.#left?.abort();
    this.leave();
  }

  get method(): string {
    return this.#req.method ?? 'GET';
  }

  get url(): string {
    return urlOf(this.#req);
  }

  get headers(): Headers {
    this.#headers ??= headersOf(this.#req);
    return this.#headers;
  }

  get lastEventId(): string | undefined {
    return this.#req.headers['last-event-id'] as string | undefined;
  }

  get signal(): AbortSignal {
    this.#left ??= new AbortController();
    if (this.isGone) this.#left.abort();
    return this.#left.signal;
  }
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
