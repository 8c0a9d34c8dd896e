import type { Clock } from '../clock.js';
import { SSEError, type SSEErrorCode } from '../errors.js';
import { createDecoder, type DecoderOptions } from '../protocol/decode.js';
import { obeyed } from './reconnect.js';

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
  /** @param retryAfterMs - what Retry-After asked for, within bounds; NaN or undefined if it did not */
  onEnd(error: SSEError, retryAfterMs?: number): void;
}

/**
 * Opens one stream and reads it to its end.
 * @returns its release, which ends it without a word
 */
export function openStream(attempt: StreamRequest): () => void {
  const { clock } = attempt;
  const controller = new AbortController();
  const { signal } = controller;
  let disarm = () => {};
  let retryAfterMs: number | undefined;

  const release = (): void => {
    disarm();
    controller.abort();
  };
  const end = (error: SSEError): void => {
    if (signal.aborted) return;
    release();
    attempt.onEnd(error, retryAfterMs);
  };
  const arm = (ms: number, code: SSEErrorCode): void => {
    disarm();
    if (ms) disarm = clock.after(ms, () => end(new SSEError(code, `nothing came for ${ms} ms`)));
  };

  // Bytes of an attempt that is over must reach no one: `throwIfAborted` leaves at once, and `end` then says nothing.
  const read = async (): Promise<void> => {
    arm(attempt.connectTimeoutMs, 'CONNECT_TIMEOUT');
    // The caller has its release before any code of the application runs, which may end the attempt.
    await undefined;
    signal.throwIfAborted();
    const { status, headers, body } = await attempt.request(signal);
    signal.throwIfAborted();
    const refusal = (code: SSEErrorCode, what: unknown) => new SSEError(code, `the answer was ${what}`, { status });
    if (status !== 200) {
      const after = headers.get('retry-after') as string;
      retryAfterMs = obeyed(+after * 1_000 || Date.parse(after) - clock.now());
      throw refusal('HTTP_STATUS', status);
    }
    const type = headers.get('content-type') as string;
    if (!/^text\/event-stream\s*(;|$)/i.test(type)) throw refusal('CONTENT_TYPE', type);

    attempt.onOpen();
    const reader = body!.getReader();
    const decoder = createDecoder({
      ...attempt,
      onEvent(message, ownId) {
        attempt.onEvent(message, ownId);
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
      if (done) throw new SSEError('NETWORK', 'the stream ended');
      decoder.feed(value);
      await attempt.onChunk(decoder.lastEventId);
    }
  };
  read().catch((cause) => end(cause instanceof SSEError ? cause : new SSEError('NETWORK', `${cause}`, { cause })));
  return release;
}
