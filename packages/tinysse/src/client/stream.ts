import type { Clock } from '../clock.js';
import { SSEError, type SSEErrorCode } from '../errors.js';
import { createDecoder, type DecoderOptions } from '../protocol/decode.js';
import { obeyed } from './reconnect.js';

/** One attempt: what to ask for, and who hears of it. After the end, or after its release, no callback runs. */
export interface StreamRequest extends DecoderOptions {
  clock: Pick<Clock, 'now' | 'after'>;
  /** Makes a request, whatever of the application's that needs; what it resolves to sends it. */
  request(signal: AbortSignal): Promise<() => Promise<Response>>;
  connectTimeoutMs: number;
  /** The longest silence that is borne now; 0: any. */
  idleTimeoutMs(): number;
  onOpen(): void;
  /** A chunk has been taken, and the last event id is this; when the promise has resolved the stream is read on. */
  onChunk(lastEventId: string): Promise<void>;
  /** @param retryAfterMs - what Retry-After asked for, within bounds; NaN or undefined if it did not */
  onEnd(error: SSEError, retryAfterMs?: number): void;
}

/** The last of the types counts where an answer has several. Source: WHATWG Fetch, extract a MIME type. */
const EVENT_STREAM = /(^|,)\s*text\/event-stream\s*(;("[^"]*"|[^,])*)?$/i;

/** Firefox gives a response with the first byte of its body, not with its headers: an answer may have come long ago. */
const hidesHeaders = (): boolean => /Firefox/.test(globalThis.navigator?.userAgent as string);

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
  /** Whether the answer may have come although nothing shows it. */
  let hidden = false;
  let open = (): void => {
    open = () => {};
    hidden = false;
    attempt.onOpen();
  };
  const arm = (ms: number, code: SSEErrorCode): void => {
    disarm();
    if (!ms) return;
    disarm = clock.after(ms, () => {
      if (!hidden) return end(new SSEError(code, `silent for ${ms} ms`));
      open();
      arm(attempt.idleTimeoutMs(), 'IDLE_TIMEOUT');
    });
  };

  // Bytes of an attempt that is over must reach no one: `throwIfAborted` leaves at once, and `end` then says nothing.
  const read = async (): Promise<void> => {
    arm(attempt.connectTimeoutMs, 'CONNECT_TIMEOUT');
    // The caller has its release before any code of the application runs, which may end the attempt.
    await undefined;
    signal.throwIfAborted();
    const ask = await attempt.request(signal);
    signal.throwIfAborted();
    hidden = hidesHeaders();
    const { status, headers, body } = await ask();
    signal.throwIfAborted();
    const refusal = (code: SSEErrorCode, what: unknown) => new SSEError(code, `answered ${what}`, { status });
    if (status !== 200) {
      const after = headers.get('retry-after') as string;
      retryAfterMs = obeyed(+after * 1_000 || Date.parse(after) - clock.now(), 1_000);
      throw refusal('HTTP_STATUS', status);
    }
    const type = headers.get('content-type') as string;
    if (!EVENT_STREAM.test(type)) throw refusal('CONTENT_TYPE', type);

    if (body !== null && !body?.getReader) throw refusal('INVALID_OPTION', 'no stream');
    open();
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
  read().catch((cause) => {
    // Where there is no `fetch` or no `TextDecoder` now, there will be none later.
    const code = cause instanceof ReferenceError ? 'INVALID_OPTION' : 'NETWORK';
    end(cause instanceof SSEError ? cause : new SSEError(code, `${cause}`, { cause }));
  });
  return release;
}
