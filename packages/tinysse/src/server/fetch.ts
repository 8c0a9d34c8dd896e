import type { Hub } from '../hub/hub.js';
import type { Piece, Sink } from '../hub/sink.js';
import { type Connector, discard } from './connect.js';
import type { NodeResponse } from './node-shapes.js';
import type { Subscription } from './options.js';
import type { SSERequest } from './request.js';

/** Answers a standard Request with a Response. */
export async function respond(
  hub: Hub,
  connector: Connector,
  request: SSERequest,
  raw: unknown,
  subscription?: Subscription,
): Promise<Response> {
  const decided = await connector.decide(request, { raw }, subscription);
  const decision = connector.confirm(request, decided);
  if (decision.kind !== 'stream') discard(subscription);
  if (decision.kind === 'response') return decision.response;
  if (decision.kind === 'refusal') {
    const { status, headers, body } = decision.refusal;
    const empty = status === 204 || request.method === 'HEAD';
    return new Response(empty ? null : body, { status, headers });
  }
  liftIdleTimeout(request, raw);
  const response = nodeResponseOf(raw);
  const expiresAt = decision.stream.expiresAt ?? (isBlind(request, response) ? connector.now() + BLIND_MS : undefined);
  const { signal } = request;
  let leave = (): void => {};
  let pulled = (): void => {};
  // A default stream, never one of type 'bytes': that would detach the buffers which other clients share.
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const sink = new StreamSink(controller);
      pulled = () => sink.pulled();
      const gone = (): void => {
        leave();
        // Whoever still reads the body sees it end.
        sink.close();
      };
      const ended = connector.begun(request, decision);
      const onClose: typeof ended = (reason, events) => {
        signal?.removeEventListener('abort', gone);
        ended?.(reason, events);
      };
      leave = hub.subscribe({ ...decision.stream, expiresAt, sink, onClose });
      signal?.addEventListener('abort', gone);
      response?.once('close', gone);
      if (response?.destroyed) gone();
      if (signal?.aborted) gone();
    },
    pull: () => pulled(),
    cancel: () => leave(),
  });
  return new Response(body, { status: 200, headers: decision.headers });
}

/** The lifetime of a stream whose client may disconnect unnoticed. */
const BLIND_MS = 15 * 60_000;

type NodeResponseOf = Pick<NodeResponse, 'once' | 'destroyed'>;

/** Node's response, where the context of a framework names it: an event of h3 version 1, and so of Nitro 2. */
function nodeResponseOf(raw: unknown): NodeResponseOf | undefined {
  const { res } = Object((Object(raw) as { node?: unknown }).node) as { res?: NodeResponseOf };
  return typeof res?.once === 'function' ? res : undefined;
}

/**
 * Whether a client may leave unseen. Some frameworks on Node make a Request whose signal never fires, and go on reading the body
 * when the connection is gone. Adapters that know better bring a class of their own.
 */
function isBlind(request: SSERequest, response: NodeResponseOf | undefined): boolean {
  const { process, Bun, Deno } = globalThis as {
    process?: { release?: { name?: string } };
    Bun?: unknown;
    Deno?: unknown;
  };
  if (response || Bun || Deno || process?.release?.name !== 'node') return false;
  return Object.getPrototypeOf(request) === Request.prototype;
}

/** Bun closes what is silent for 10 s, unless its server, the second argument of `fetch`, is told not to. A heartbeat may be longer. */
function liftIdleTimeout(request: SSERequest, raw: unknown): void {
  if (!('Bun' in globalThis)) return;
  const { timeout } = Object(raw) as { timeout?: (request: SSERequest, seconds: number) => void };
  try {
    timeout?.call(raw, request, 0);
  } catch {
    // It is no server of Bun's, or the request is none of its requests: then the default heartbeat is short enough.
  }
}

/** A ReadableStream's controller as a sink: what the stream's queue holds is what this process holds. */
class StreamSink implements Sink {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;
  #drained: (() => void) | undefined;

  constructor(controller: ReadableStreamDefaultController<Uint8Array>) {
    this.#controller = controller;
  }

  write({ bytes }: Piece): boolean {
    this.#controller.enqueue(bytes);
    return (this.#controller.desiredSize ?? 0) > 0;
  }

  whenDrained(run: () => void): void {
    this.#drained = run;
  }

  /** The stream asks for more: its queue is empty. */
  pulled(): void {
    const run = this.#drained;
    this.#drained = undefined;
    run?.();
  }

  close(): void {
    try {
      this.#controller.close();
    } catch {
      // Closed or errored already: the reader is gone.
    }
  }
}
