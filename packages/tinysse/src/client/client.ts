import type { Clock } from '../clock.js';
import { SSEError, type SSEErrorDetails } from '../errors.js';
import type { CodecFor, Untyped } from '../protocol/codec.js';
import { POSITION_EVENT, RESERVED_PREFIX, RESET_EVENT } from '../protocol/event.js';
import { decoded } from './decoded.js';
import { createListeners } from './listeners.js';
import { createLoops } from './loops.js';
import { isSeen } from './position.js';
import { obeyed, type ReconnectState, reconnect } from './reconnect.js';
import { openStream } from './stream.js';
import type { SSEClient, SSEClientOptions, SSEClientState } from './types.js';

/** Timers that keep a process alive, as a client that waits to reconnect must; at most 24.8 days. */
const clientClock: Pick<Clock, 'now' | 'after'> = {
  now: Date.now,
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

/** So many heartbeats of the server may fail to come before the connection counts as dead. */
const HEARTBEATS_MISSED = 2.5;

// Keys of listeners beside the names of events, which are strings.
const MESSAGE = 0;
const RESET = 1;
const ERROR = 2;
const OPEN = 3;
const STATE = 4;

const FRESH: ReconnectState = { failures: 0, refreshed: false };

/**
 * A client for event streams, in browsers and servers alike. It reconnects by itself, goes on after the last event it
 * has seen, and says so where events may be missing.
 *
 * @param options - where the stream is, and how to keep it
 * @param clock - the client's time; for tests
 * @param random - in [0, 1), spreads reconnects; for tests
 * @throws SSEError INVALID_OPTION
 * @example
 * const client = createSSEClient({ endpoint: '/events' });
 * client.onMessage((message) => console.log(message.data));
 * client.connect();
 */
export function createSSEClient<Events extends object = Untyped>(
  options: SSEClientOptions<Events> & CodecFor<Events>,
  clock = clientClock,
  random = Math.random,
): SSEClient<Events> {
  const { method, body, headers, credentials, storage, signal, codec, logger } = options;
  const limits = {
    retryInterval: 1_000,
    maxRetryDelay: 30_000,
    maxReconnectAttempts: 0,
    connectTimeoutMs: 15_000,
    idleTimeoutMs: 0,
  };
  for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
    const value = +(options[name] ?? limits[name]);
    // Waits that begin at 0 would stay there: a hot loop.
    if (!(value >= (name === 'retryInterval' ? 1 : 0))) throw new SSEError('INVALID_OPTION', `${name}: ${value}`);
    limits[name] = value;
  }
  let url: string;
  try {
    // From the page, where there is one.
    url = new URL(options.endpoint, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch (cause) {
    throw new SSEError('INVALID_OPTION', `endpoint: ${options.endpoint}`, { cause });
  }
  const key = `tinysse:${url}`;
  let lastEventId = options.lastEventId ?? storage?.getItem(key) ?? '';
  let state: SSEClientState = 'closed';
  let attempts = FRESH;
  let heartbeatMs = 0;
  /** Whether this connection has shown its position: only then are its ids known to be ordered. */
  let ordered = false;
  /** Ends what goes on now: the stream, or the wait for the next one. */
  let release = () => {};

  const { add, emit, run } = createListeners(logger);

  const setState = (next: SSEClientState): void => {
    if (state !== next) emit(STATE, (state = next));
  };
  const report = (error: SSEError): void => {
    logger?.('tinysse:', error);
    emit(ERROR, error);
  };
  const finish = (error?: SSEError): void => {
    release();
    signal?.removeEventListener('abort', abort);
    attempts = FRESH;
    setState('closed');
    loops.end(error);
    if (error) report(error);
  };
  const abort = (): void =>
    finish(new SSEError('ABORTED', 'the signal was aborted', { cause: signal!.reason, willRetry: false }));

  /** @returns whether there was something new */
  const advance = (id: string): boolean => {
    if (ordered && isSeen(id, lastEventId)) return false;
    lastEventId = id;
    return true;
  };
  const save = (id = lastEventId, loop?: object): void => {
    if (storage && loops.idle(loop)) run(() => storage.setItem(key, id));
  };

  const start = (): void => {
    release();
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort);
    ordered = false;
    release = openStream({
      ...limits,
      clock,
      lastEventId,
      idleTimeoutMs: () => options.idleTimeoutMs ?? heartbeatMs * HEARTBEATS_MISSED,
      async request(aborted) {
        const target = new URL(url);
        const sent = new Headers(typeof headers === 'function' ? await headers() : headers);
        sent.set('accept', 'text/event-stream');
        if (lastEventId) {
          // To another origin the header would need a preflight. A header takes bytes: those of UTF-8, one a unit.
          if ((globalThis.location ?? target).origin !== target.origin)
            target.searchParams.set('lastEventId', lastEventId);
          else sent.set('last-event-id', String.fromCharCode(...new TextEncoder().encode(lastEventId)));
        }
        const init = { method, body, credentials, headers: sent, cache: 'no-store', signal: aborted };
        return (options.fetch ?? fetch)(target.href, init as RequestInit);
      },
      onOpen() {
        setState('open');
        emit(OPEN);
      },
      onRetry(ms) {
        limits.retryInterval = obeyed(ms);
      },
      onEvent(received, ownId) {
        const { id, event, data } = received;
        if (event === RESET_EVENT) {
          const reset = JSON.parse(data);
          lastEventId = id;
          emit(RESET, reset);
        } else if (event === POSITION_EVENT) {
          ordered = true;
          advance(id);
          heartbeatMs = +data || heartbeatMs;
        } else if (!event.startsWith(RESERVED_PREFIX) && (!ownId || advance(id))) {
          const message = decoded(codec, received, report);
          if (message) {
            emit(MESSAGE, message);
            emit(event, message);
            loops.push(message);
          }
        }
        save();
      },
      onChunk(id) {
        // Ids may come without an event.
        advance(id);
        save();
        return loops.room();
      },
      onEnd(end) {
        const { status, cause, message } = end;
        if (status === 204) return finish();
        const next = reconnect(attempts, end, limits, typeof headers === 'function', random());
        const { delayMs, code, failures: attempt } = next;
        const willRetry = delayMs !== undefined;
        const error = new SSEError(code, message, { status, cause, attempt, willRetry } as SSEErrorDetails);
        if (!willRetry) return finish(error);
        attempts = next;
        release = clock.after(delayMs, start);
        setState('waiting');
        report(error);
      },
    });
    setState('connecting');
  };

  const loops = createLoops(() => {
    if (state !== 'closed') return;
    start();
    return (last) => {
      finish();
      if (last) lastEventId = last;
    };
  }, save);

  return {
    onMessage: (listener) => add(MESSAGE, listener),
    on: add,
    onReset: (listener) => add(RESET, listener),
    onError: (listener) => add(ERROR, listener),
    onOpen: (listener) => add(OPEN, listener),
    onStateChange: (listener) => add(STATE, listener),
    connect() {
      if (state === 'closed' || state === 'waiting') start();
    },
    close: () => finish(),
    get state() {
      return state;
    },
    get lastEventId() {
      return lastEventId;
    },
    [Symbol.asyncIterator]: loops.open as SSEClient<Events>[typeof Symbol.asyncIterator],
  };
}
