import type { Clock } from '../clock.js';
import type { Piece, Sink } from '../hub/sink.js';
import type { NodeRequest, NodeResponse, NodeSocket } from './node.js';

/** How long a response that has ended may take to leave before its connection is cut. */
const LINGER_MS = 5_000;

const NOTHING = new Uint8Array(0);

/**
 * The sink of a response whose headers are out.
 * @returns the sink, and `finished` to be called when the client has gone
 */
export function nodeSink(req: NodeRequest, res: NodeResponse, clock: Clock): { sink: Sink; finished: () => void } {
  let cancelLinger = (): void => {};
  res.once('finish', () => cancelLinger());
  res.once('close', () => cancelLinger());
  const close = (): void => {
    if (res.writableEnded || res.destroyed) return;
    cancelLinger = clock.after(LINGER_MS, () => res.destroy());
    res.end();
  };
  const socket = rawSocket(req, res);
  socket?.setNoDelay?.(true);
  return {
    sink: socket ? new SocketSink(socket, close) : new ResponseSink(res, close),
    finished: () => cancelLinger(),
  };
}

/**
 * The socket under an HTTP/1.1 response, if chunks may be written to it directly: the headers have left through it,
 * the response is chunked, and nobody has wrapped `write` to see or change what passes.
 * Worth it: bench/fan-out.
 */
function rawSocket(req: NodeRequest, res: NodeResponse): NodeSocket | undefined {
  const { chunkedEncoding } = res as { chunkedEncoding?: boolean };
  if (req.httpVersionMajor !== 1 || chunkedEncoding !== true || !isUnwrapped(res)) return undefined;
  const socket = res.socket as NodeSocket | null;
  const ready = socket && !socket.destroyed && (res as { writableLength?: number }).writableLength === 0;
  return ready ? socket : undefined;
}

function isUnwrapped(res: object): boolean {
  for (let owner: object | null = res; owner; owner = Object.getPrototypeOf(owner))
    if (Object.hasOwn(owner, 'write')) return owner !== res && owner.constructor.name === 'OutgoingMessage';
  return false;
}

/** Writes chunks that are framed once for everybody. */
class SocketSink implements Sink {
  readonly #socket: NodeSocket;
  readonly close: () => void;

  constructor(socket: NodeSocket, close: () => void) {
    this.#socket = socket;
    this.close = close;
  }

  write(piece: Piece): boolean {
    piece.chunk ??= chunkOf(piece.bytes);
    this.#socket.write(piece.chunk);
    // Node reports a write that waits only above a high-water mark; the length tells at once.
    return this.#socket.writableLength === 0;
  }

  whenDrained(run: () => void): void {
    // `drain` fires only after a write returned false; an empty write's callback comes whenever the queue has left.
    this.#socket.write(NOTHING, (error) => error || run());
  }
}

/** `bytes` as one chunk of the HTTP/1.1 chunked coding. Source: RFC 9112, section 7.1. */
function chunkOf(bytes: Uint8Array): Uint8Array {
  const size = bytes.length.toString(16);
  const chunk = new Uint8Array(size.length + bytes.length + 4);
  for (let i = 0; i < size.length; i++) chunk[i] = size.charCodeAt(i);
  chunk.set([13, 10], size.length);
  chunk.set(bytes, size.length + 2);
  chunk.set([13, 10], size.length + 2 + bytes.length);
  return chunk;
}

/** Writes through the response: HTTP/2, HTTP/1.0, TLS by a framework, middleware that looks at what passes. */
class ResponseSink implements Sink {
  readonly #res: NodeResponse;
  readonly close: () => void;
  #full = false;

  constructor(res: NodeResponse, close: () => void) {
    this.#res = res;
    this.close = close;
  }

  write({ bytes }: Piece): boolean {
    this.#full = this.#res.write(bytes) === false;
    return !this.#full && !((this.#res as { writableLength?: number }).writableLength ?? 0);
  }

  whenDrained(run: () => void): void {
    // A wrapped response may drop a write's callback, but every one passes `drain` on after a write returned false.
    if (this.#full) this.#res.once('drain', run);
    else this.#res.write(NOTHING, (error) => error || run());
  }
}
