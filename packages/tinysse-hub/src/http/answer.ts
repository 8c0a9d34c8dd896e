import type { IncomingMessage, ServerResponse } from 'node:http';
import { httpStatus, SSEError } from 'tinysse';

/** An answer that refuses a request: `{"error":{"code","message"}}`. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** The most that is read and dropped of what a refused client goes on sending, and how long it may look for the answer. */
const LINGER_BYTES = 4 * 2 ** 20;
const LINGER_MS = 2_000;

export function sendJson(res: ServerResponse, status: number, json: string): void {
  res.writeHead(status, ['content-type', 'application/json', 'content-length', Buffer.byteLength(json).toString()]);
  res.end(json);
}

/**
 * Answers with an error.
 * @param log - told of what is no client's doing
 * @returns what was answered; undefined when it was too late for an answer
 */
export function sendError(
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  log: (error: unknown) => void,
): { code: string; message: string } | undefined {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return undefined;
  }
  const { status, code, message, headers } = refusal(error);
  if ((status === 503 || status === 429) && wantsStream(req)) {
    sendLater(res);
    return { code, message };
  }
  // The library has told of its own.
  if (status >= 500 && !(error instanceof SSEError)) log(error);
  const body = JSON.stringify({ error: { code, message } });
  const head = { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  // HTTP/2 has no such header, and its streams end without harm to others.
  const close: Record<string, string> = req.httpVersionMajor === 1 ? { connection: 'close' } : {};
  if (req.complete || req.headers.expect !== undefined || !mayBeLong(req)) {
    // A client that waits for leave to send its body would otherwise send it as a next request.
    res.writeHead(status, req.headers.expect === undefined ? head : { ...head, ...close }).end(body);
    return { code, message };
  }
  res.writeHead(status, { ...head, ...close });
  res.write(body);
  endWhenSent(req, res);
  return { code, message };
}

/** Whether an EventSource asks, which any other status than 200 would end for good. */
const wantsStream = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && (headers.accept?.includes('text/event-stream') ?? false);

/** When an EventSource that is sent away comes back, by chance within these, so that all do not return at once. */
const RETURN_MS = { least: 5_000, most: 15_000 };

/** An event stream that says when to come back, and ends. */
function sendLater(res: ServerResponse): void {
  const wait = RETURN_MS.least + Math.random() * (RETURN_MS.most - RETURN_MS.least);
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' });
  res.end(`retry: ${Math.round(wait)}\n\n`);
}

/** What an error says to whoever asked. */
export function refusal(error: unknown): {
  status: number;
  code: string;
  message: string;
  headers?: Record<string, string>;
} {
  if (error instanceof Refused) return error;
  const status = httpStatus(error);
  const headers: Record<string, string> = status === 503 ? { 'retry-after': '1' } : {};
  if (error instanceof SSEError) return { status, code: error.code, message: error.message, headers };
  return { status: 500, code: 'INTERNAL', message: 'the hub failed; its log says more' };
}

/** Whether the body that is still to come is more than Node should read to keep the connection. */
function mayBeLong(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  return length === undefined ? req.headers['transfer-encoding'] !== undefined : Number(length) > 2 ** 20;
}

/**
 * Ends an answer when the client has stopped sending, or has had its time: to close a connection with bytes unread resets
 * it, and the client may lose the answer that it was about to read.
 */
function endWhenSent(req: IncomingMessage, res: ServerResponse): void {
  let left = LINGER_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    req.off('data', take);
    res.end();
  };
  const take = (chunk: Buffer): void => {
    left -= chunk.length;
    // No more is taken, but the client keeps its time to look for the answer.
    if (left < 0) req.pause();
  };
  const timer = setTimeout(end, LINGER_MS);
  req.on('data', take).once('end', end);
  res.once('close', () => clearTimeout(timer));
}
