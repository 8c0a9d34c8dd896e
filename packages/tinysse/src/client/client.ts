import { fetchSafely, ownSignal } from '#runtime';
import { SSEError } from '../errors.js';
import type { CodecFor, Untyped } from '../protocol/codec.js';
import { POSITION_EVENT, RESERVED_PREFIX, RESET_EVENT, SNAPSHOT_EVENT } from '../protocol/event.js';
import { clientClock } from './clock.js';
import { createListeners, OPEN, RESET, SNAPSHOT, STATE } from './listeners.js';
import { createLoops } from './loops.js';
import { isSeen } from './position.js';
import { type Failure, isOnce, obeyed, type ReconnectState, reconnect } from './reconnect.js';
import { askInHeader, askInQuery, isFetchable, type SafeInit, storageKey } from './request.js';
import { openStream } from './stream.js';
import type { SSEClient, SSEClientOptions, SSEClientState } from './types.js';
import { onWake } from './wake.js';

const DEFAULTS = {
  retryInterval: 1_000,
  maxRetryDelay: 30_000,
  maxReconnectAttempts: 0,
  connectTimeoutMs: 15_000,
  idleTimeoutMs: 0,
};

const FRESH = { failures: 0, refreshed: false };

/** So many heartbeats of the server may fail to come before the connection counts as dead. */
const HEARTBEATS_MISSED = 2.5;
/** The heartbeat of a server that has given a cursor and has not announced another. */
const USUAL_HEARTBEAT_MS = 15_000;

/**
 * A client for event streams, in browsers and servers alike. It reconnects by itself, goes on after the last event it
 * has seen, and says so where events may be missing.
 *
 * @param options - where the stream is, and how to keep it
 * @param clock - the client's time; for tests
 * @param random - in [0, 1), spreads reconnects; for tests
 * @param listenWake - tells what makes it worth trying at once
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
  listenWake = onWake,
): SSEClient<Events> {
  const { endpoint, method, body, headers, credentials, storage } = options;
  const signal = ownSignal(options.signal);
  // Values stay out of the message, which may be logged: an endpoint may have a password.
  const invalid = (name: 'endpoint' | keyof typeof DEFAULTS) => new SSEError('INVALID_OPTION', `${name} is not valid`);
  const limits = { ...DEFAULTS, once: isOnce(options) };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    limits[name] = +(options[name] ?? limits[name]);
    // Waits that begin at 0 would stay there: a hot loop.
    if (!(limits[name] >= +(name === 'retryInterval'))) throw invalid(name);
  }
  let url: string;
  try {
    // From the page, where there is one.
    url = new URL(endpoint, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch {
    throw invalid('endpoint');
  }
  // One user's cursor is not another's.
  const key = storageKey(url, options.identity);
  let lastEventId = options.lastEventId ?? storage?.getItem(key) ?? '';
  let state: SSEClientState = 'closed';
  let attempts: ReconnectState = FRESH;
  let heartbeatMs = 0;
  /** The server's `retry:`, once it has said one. */
  let retryMs = 0;
  // Of this connection: when it was opened, and whether it has shown its position. Only then are its ids known to be
  // ordered.
  let openedAt: number | undefined;
  let ordered: boolean | undefined;
  /** Of this connection: the position that it was asked for, and the snapshot that it is bringing. */
  let from: string;
  let snapshot: object | undefined;
  /** Whether the application has a part of a snapshot. Only another snapshot mends that. */
  let half: boolean | undefined;
  /** Whether this connection has brought a message that was new. */
  let brought: boolean | undefined;
  /** Ends what goes on now: the stream, or the wait for the next one. */
  let release = () => {};

  const [hearing, run, emit, report, tell] = createListeners<Events>(options);

  const setState = (next: SSEClientState): void => {
    if (state !== next) emit(STATE, (state = next));
  };
  const finish = (error?: SSEError): void => {
    release();
    signal?.removeEventListener('abort', abort);
    attempts = FRESH;
    setState('closed');
    loops.end(error);
    if (error) report(error);
  };
  const abort = (): void => finish(new SSEError('ABORTED', 'aborted', { cause: signal!.reason, willRetry: false }));

  /** @returns whether there was something new */
  const advance = (id: string): boolean => {
    // The position comes when the snapshot is complete.
    if (snapshot) return true;
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
    ordered = openedAt = brought = snapshot = undefined;
    from = lastEventId;
    release = openStream({
      ...limits,
      clock,
      lastEventId,
      idleTimeoutMs: () =>
        options.idleTimeoutMs ??
        HEARTBEATS_MISSED * (heartbeatMs || (isSeen(lastEventId, lastEventId) ? USUAL_HEARTBEAT_MS : 0)),
      async request(signal) {
        if (!isFetchable(url)) throw invalid('endpoint');
        const target = new URL(url);
        const sent = new Headers(typeof headers === 'function' ? await headers() : headers);
        sent.set('accept', 'text/event-stream');
        if (lastEventId) {
          // To another origin the header would need a preflight.
          if ((globalThis.location ?? target).origin !== target.origin) askInQuery(target, lastEventId);
          else askInHeader(sent, lastEventId);
        }
        const init = { method, body, credentials, headers: sent, cache: 'no-store', signal } as SafeInit;
        return () => fetchSafely(options.fetch ?? fetch, target.href, init, ['accept']);
      },
      onOpen() {
        openedAt = clock.now();
        setState('open');
        emit(OPEN);
      },
      onRetry(ms) {
        limits.retryInterval = retryMs = obeyed(ms);
      },
      onEvent(received, ownId) {
        const { id, event, data } = received;
        const isPosition = event === POSITION_EVENT;
        const isPlace = isPosition && ownId;
        // Where the first position is not the cursor, a proxy or a redirect has dropped that: the server begins elsewhere.
        const isElsewhere =
          isPlace && !ordered && !snapshot && lastEventId === from && isSeen(from, from) && !isSeen(id, from);
        // After its first position the server goes on, without the snapshot that was cut; to a newcomer it gives one.
        const isReset = event === RESET_EVENT;
        const isHalf = half && ordered && !snapshot && ownId && !isReset;
        if (isReset || isElsewhere || isHalf) {
          const reset = isReset ? JSON.parse(data) : { reason: 'unknown', lastEventId, resumedAt: id };
          // Without an id of its own a snapshot follows, and the position after it.
          if (ownId) {
            lastEventId = id;
            half = false;
          }
          emit(RESET, reset);
          if (isHalf) {
            lastEventId = '';
            throw new SSEError('NETWORK', 'snapshot cut');
          }
        }
        if (event === SNAPSHOT_EVENT) {
          half = true;
          ordered = false;
          emit(SNAPSHOT, { ...(snapshot = JSON.parse(data)), complete: false });
        }
        if (isPosition) heartbeatMs = Number.parseFloat(data) || heartbeatMs;
        if (isPlace) {
          ordered = true;
          if (snapshot) {
            lastEventId = id;
            half = false;
            emit(SNAPSHOT, { ...snapshot, complete: true });
            snapshot = undefined;
          } else advance(id);
        } else if (!event.startsWith(RESERVED_PREFIX) && (!ownId || advance(id))) {
          brought = true;
          const message = tell(received);
          if (message) loops.push(message);
        }
        save();
      },
      onChunk(id) {
        // Ids may come without an event.
        advance(id);
        save();
        return loops.room();
      },
      onEnd(error, retryAfterMs) {
        if (error.status === 204) return finish();
        const openMs = clock.now() - openedAt!;
        const failure = { ...error, retryAfterMs, openMs, brought } as Failure;
        const next = reconnect(attempts, failure, limits, typeof headers === 'function', random());
        const { delayMs, failures: attempt } = (attempts = next);
        const willRetry = delayMs !== undefined;
        Object.assign(error, { code: next.code, attempt, willRetry });
        if (!willRetry) return finish(error);
        let unset = clock.after(delayMs, start);
        // What the server has asked for is waited for, whatever wakes the client.
        const notBefore = clock.now() + Math.min(delayMs, retryAfterMs || retryMs);
        const deafen = listenWake(() => {
          unset();
          const left = notBefore - clock.now();
          if (left > 0) unset = clock.after(left, start);
          else start();
        });
        release = () => {
          unset();
          deafen();
        };
        setState('waiting');
        report(error);
      },
    });
    setState('connecting');
  };

  const loops = createLoops(() => {
    if (state !== 'closed') return;
    start();
    return (live, last) => {
      if (live) finish();
      if (last !== undefined && state === 'closed') lastEventId = last;
    };
  }, save);

  return {
    ...hearing,
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
