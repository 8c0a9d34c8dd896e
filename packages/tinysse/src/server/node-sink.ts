import type { Clock } from '../clock.js';
import type { Piece, Sink } from '../hub/sink.js';
import type { NodeRequest, NodeResponse, NodeSocket } from './node-shapes.js';

/** How long a response that has ended may take to leave before its connection is cut. */
const LINGER_MS = 5_000;

const NOTHING = new Uint8Array(0);

// Only Node's sockets come here. Its Buffer takes short chunks from a pool.
declare const Buffer: { allocUnsafe(size: number): Uint8Array };

/** Sends a response's headers, which leave at once or with the first write. @returns the sink of its body */
export function openSink(req: NodeRequest, res: NodeResponse, headers: Record<string, string>, clock: Clock): Sink {
  const socket = rawSocket(req, res);
  // One system call for the headers and the first frame: bench/connect.
  socket?.cork();
  res.writeHead(200, headers);
  res.flushHeaders?.();
  if (socket && res.chunkedEncoding) {
    socket.setNoDelay?.(true);
    return new SocketSink(res, clock, socket);
  }
  socket?.uncork();
  return new ResponseSink(res, clock, !isUnwrapped(res));
}

/**
 * The socket under an HTTP/1.1 response, if what is written to it directly comes after the headers: nothing waits in the
 * response, and nobody has wrapped `write` to see or change what passes.
 * Worth it: bench/fan-out.
 */
function rawSocket(req: NodeRequest, res: NodeResponse): NodeSocket | undefined {
  if (req.httpVersionMajor !== 1 || !isUnwrapped(res)) return undefined;
  const socket = res.socket as NodeSocket | null;
  return socket && !socket.destroyed && res.writableLength === socket.writableLength ? socket : undefined;
}

const RESPONSES = ['OutgoingMessage', 'Http2ServerResponse'];

/** Whether the runtime's own `write` is what a call reaches. */
function isUnwrapped(res: object): boolean {
  for (let owner: object | null = res; owner; owner = Object.getPrototypeOf(owner))
    if (Object.hasOwn(owner, 'write')) return owner !== res && RESPONSES.includes(owner.constructor.name);
  return false;
}

/** Ends a response, and cuts its connection if it does not leave in time. */
function end(res: NodeResponse, clock: Clock): void {
  if (res.writableEnded || res.destroyed) return;
  const cancel = clock.after(LINGER_MS, () => res.destroy());
  res.once('finish', cancel);
  res.once('close', cancel);
  res.end();
}

/** Writes chunks that are framed once for everybody, to a socket that is corked. */
class SocketSink implements Sink {
  readonly #res: NodeResponse;
  readonly #clock: Clock;
  readonly #socket: NodeSocket;
  #corked = true;

  constructor(res: NodeResponse, clock: Clock, socket: NodeSocket) {
    this.#res = res;
    this.#clock = clock;
    this.#socket = socket;
  }

  close(): void {
    end(this.#res, this.#clock);
  }

  write(piece: Piece): boolean {
    piece.chunk ??= chunkOf(piece.bytes);
    this.#socket.write(piece.chunk);
    if (this.#corked) {
      this.#corked = false;
      this.#socket.uncork();
    }
    // Node reports a write that waits only above a high-water mark; the length tells at once.
    return this.#socket.writableLength === 0;
  }

  prefetch(): number {
    return this.#socket.writableLength;
  }

  whenDrained(run: () => void): void {
    // `drain` fires only after a write returned false; an empty write's callback comes whenever the queue has left.
    this.#socket.write(NOTHING, (error) => error || run());
  }
}

/** `bytes` as one chunk of the HTTP/1.1 chunked coding. Source: RFC 9112, section 7.1. */
function chunkOf(bytes: Uint8Array): Uint8Array {
  const size = bytes.length.toString(16);
  const chunk = Buffer.allocUnsafe(size.length + bytes.length + 4);
  for (let i = 0; i < size.length; i++) chunk[i] = size.charCodeAt(i);
  chunk.set([13, 10], size.length);
  chunk.set(bytes, size.length + 2);
  chunk.set([13, 10], size.length + 2 + bytes.length);
  return chunk;
}

/** Writes through the response: HTTP/2, HTTP/1.0, middleware that looks at what passes. */
class ResponseSink implements Sink {
  readonly #res: NodeResponse;
  readonly #clock: Clock;
  readonly #wrapped: boolean;
  #drained: (() => void) | undefined;

  constructor(res: NodeResponse, clock: Clock, wrapped: boolean) {
    this.#res = res;
    this.#clock = clock;
    this.#wrapped = wrapped;
  }

  close(): void {
    end(this.#res, this.#clock);
  }

  write({ bytes }: Piece): boolean {
    const res = this.#res;
    // A wrapper may drop the callback or the result, but every one passes `drain` on.
    if (this.#wrapped) return res.write(bytes) !== false && !res.writableNeedDrain;
    res.write(bytes, this.#written);
    return !res.writableLength;
  }

  whenDrained(run: () => void): void {
    if (this.#wrapped) this.#res.once('drain', run);
    else this.#drained = run;
  }

  // The last write's callback tells, and no empty write has to: over HTTP/2 that would be a frame, which peers count.
  readonly #written = (error?: Error | null): void => {
    if (error || this.#res.writableLength) return;
    const run = this.#drained;
    this.#drained = undefined;
    run?.();
  };
}
