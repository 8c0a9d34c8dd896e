import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import { createDecoder, type DecoderOptions } from '../protocol/decode.js';
import { type Failure, obeyed } from './reconnect.js';

/** How a stream ended, with what a person may want to know of it. */
export interface StreamEnd extends Failure {
  message: string;
  cause?: unknown;
}

/** One attempt: what to ask for, and who hears of it. After the end, or after its release, no callback runs. */
export interface StreamRequest extends DecoderOptions {
  clock: Pick<Clock, 'now' | 'after'>;
  request(signal: AbortSignal): Promise<Response>;
  connectTimeoutMs: number;
  /** The longest silence that is borne now; 0: any. */
  idleTimeoutMs(): number;
  onOpen(): void;
  /** A chunk has been taken, and the last event id is this; when the promise has resolved the stream is read on. */
  onChunk(lastEventId: string): Promise<void>;
  onEnd(end: StreamEnd): void;
}

/**
 * Opens one stream and reads it to its end.
 * @returns its release, which ends it without a word
 */
export function openStream(attempt: StreamRequest): () => void {
  const { clock, onEvent, onEnd } = attempt;
  const controller = new AbortController();
  const { signal } = controller;
  let openedAt: number | undefined;
  let disarm = () => {};

  const release = (): void => {
    disarm();
    controller.abort();
  };
  const end = (code: Failure['code'], message: string, details?: Partial<StreamEnd>): void => {
    if (signal.aborted) return;
    release();
    onEnd({ code, message, openMs: clock.now() - openedAt!, ...details });
  };
  const arm = (ms: number, code: Failure['code']): void => {
    disarm();
    if (ms) disarm = clock.after(ms, () => end(code, `nothing came for ${ms} ms`));
  };

  // Bytes of an attempt that is over must reach no one: `throwIfAborted` leaves at once, and `end` then says nothing.
  const read = async (): Promise<void> => {
    arm(attempt.connectTimeoutMs, 'CONNECT_TIMEOUT');
    const { status, headers, body } = await attempt.request(signal);
    signal.throwIfAborted();
    if (status !== 200) {
      const after = headers.get('retry-after') ?? '';
      const retryAfterMs = obeyed(+after * 1_000 || Date.parse(after) - clock.now());
      return end('HTTP_STATUS', `the answer was ${status}`, { status, retryAfterMs });
    }
    const type = headers.get('content-type') ?? '';
    if (!/^text\/event-stream\s*(;|$)/i.test(type)) return end('CONTENT_TYPE', `the answer was ${type}`, { status });

    openedAt = clock.now();
    attempt.onOpen();
    const reader = body!.getReader();
    const decoder = createDecoder({
      ...attempt,
      onEvent(message, ownId) {
        onEvent(message, ownId);
        signal.throwIfAborted();
      },
    });
    for (;;) {
      signal.throwIfAborted();
      // Only while bytes are wanted: a reader that keeps the stream waiting makes silence of its own.
      arm(attempt.idleTimeoutMs(), 'IDLE_TIMEOUT');
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      disarm();
      if (done) return end('NETWORK', 'the stream ended');
      decoder.feed(value);
      await attempt.onChunk(decoder.lastEventId);
    }
  };
  read().catch((cause) =>
    end(cause instanceof SSEError ? (cause.code as Failure['code']) : 'NETWORK', String(cause), { cause }),
  );
  return release;
}
