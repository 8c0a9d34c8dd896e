/** `tinysse/eventsource`: the standard `EventSource`, where there is none or where it needs headers. */
import { fetchSafely } from '#runtime';
import { SSEError, type SSEErrorDetails } from '../errors.js';
import { clientClock } from './clock.js';
import { reconnect, SHORTEST_RETRY_MS } from './reconnect.js';
import { askInHeader, isFetchable, type SafeInit } from './request.js';
import { openStream } from './stream.js';
import type { RequestHeaders } from './types.js';

/** What an {@link EventSource} takes beside its URL: the standard's `withCredentials`, and what it lacks. */
export interface EventSourceInit {
  /** Whether credentials go to other origins too. Default: false. */
  withCredentials?: boolean;
  /**
   * Headers of every request; a function is called for each. Redirects do not take them to another origin. Where the
   * runtime is a browser, other origins must allow them (CORS).
   */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
  /** Default: the global one. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The standard's `error` event, with what the standard keeps from scripts. */
export interface EventSourceErrorEvent extends Event {
  /** What went wrong; `willRetry` says whether the source connects again by itself. */
  readonly error: SSEError;
}

/** The standard's `message` event. Types of Node have no `MessageEvent` with a type parameter. */
export type EventSourceMessageEvent = InstanceType<typeof MessageEvent> & { readonly data: string };

type Handler<E extends Event> = ((this: EventSource, event: E) => unknown) | null;
type Target = InstanceType<typeof EventTarget>;

/** The wait before a reconnect until the server says another; the standard asks for "a few seconds". */
const RETRY_MS = 3_000;
/** Headers that redirects take to other origins: the standard's own. */
const TRAVELS = ['accept', 'last-event-id', 'cache-control'];
/** Waits after attempts that brought nothing double up to this, or to what the server asks for. */
const LONGEST_BACKOFF_MS = 30_000;

/**
 * The standard `EventSource`, on every runtime that has `fetch`: a connection to an event stream that is opened by its
 * constructor, opens itself again when it is lost, and ends on any answer that is not a stream. It keeps a Node process
 * alive until it is closed. A line or an event of more than 16 Mi characters ends it.
 * Source: WHATWG HTML, "Server-sent events", the EventSource interface.
 *
 * @example
 * const source = new EventSource('https://example.com/events', { headers: { authorization: `Bearer ${token}` } });
 * source.onmessage = ({ data }) => console.log(data);
 */
export class EventSource extends EventTarget {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSED: 2;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSED: 2;
  /** A stream has been opened, for the first time or again. */
  declare onopen: Handler<Event>;
  /** An event without a name. */
  declare onmessage: Handler<EventSourceMessageEvent>;
  /** The stream was lost, and `readyState` is CONNECTING, or it has ended for good, and is CLOSED. */
  declare onerror: Handler<EventSourceErrorEvent>;

  static {
    const states = { CONNECTING: 0, OPEN: 1, CLOSED: 2 };
    for (const target of [EventSource, EventSource.prototype])
      for (const [name, value] of Object.entries(states))
        Object.defineProperty(target, name, { value, enumerable: true });

    // Event handler attributes: a handler that takes another's place takes its turn among the listeners too.
    for (const type of ['open', 'message', 'error'])
      Object.defineProperty(EventSource.prototype, `on${type}`, {
        enumerable: true,
        configurable: true,
        get(this: EventSource) {
          return this.#handlers[type] ?? null;
        },
        set(this: EventSource, handler: unknown) {
          const before = this.#handlers[type];
          this.#handlers[type] = typeof handler === 'function' ? (handler as Handler<Event>) : null;
          if (!this.#handlers[type]) this.removeEventListener(type, this.#handle);
          else if (!before) this.addEventListener(type, this.#handle);
        },
      });
  }

  readonly #url: string;
  readonly #withCredentials: boolean;
  readonly #handlers: Record<string, Handler<Event>> = {};
  readonly #handle = (event: Event): void => {
    this.#handlers[event.type]!.call(this, event);
  };
  #readyState: 0 | 1 | 2 = 0;
  /** Ends what goes on now: the stream, or the wait for the next one. */
  #release = () => {};

  /**
   * @param url - where the stream is; in a browser it may be relative to the page
   * @param init - credentials, headers, and what fetches
   * @param clock - the source's time; for tests
   * @param random - in [0, 1), spreads reconnects; for tests
   * @throws DOMException SyntaxError: the URL is none
   */
  constructor(url: string | URL, init: EventSourceInit = {}, clock = clientClock, random = Math.random) {
    super();
    const { fetch: fetcher = fetch, headers: own, withCredentials } = init;
    this.#withCredentials = !!withCredentials;
    try {
      url = this.#url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    } catch {
      throw new DOMException(`not a URL: ${url}`, 'SyntaxError');
    }
    const policy = { retryInterval: RETRY_MS, maxRetryDelay: LONGEST_BACKOFF_MS, maxReconnectAttempts: 0 };
    let lastEventId = '';
    let failures = 0;

    const connect = (): void => {
      let origin: string;
      this.#release = openStream({
        clock,
        lastEventId,
        // The standard bears any silence.
        connectTimeoutMs: 0,
        idleTimeoutMs: () => 0,
        async request(signal) {
          if (!isFetchable(url)) throw new SSEError('INVALID_OPTION', 'not a URL that can be fetched');
          const headers = new Headers(typeof own === 'function' ? await own() : own);
          headers.set('accept', 'text/event-stream');
          if (lastEventId) askInHeader(headers, lastEventId);
          // Where there is no cache `no-store` alone says nothing; a browser says this itself, and CORS would ask for it.
          if (!globalThis.location) headers.set('cache-control', 'no-cache');
          // Workers refuse the field, so it is there where it says something.
          const credentials = withCredentials ? ('include' as const) : undefined;
          const init = { headers, signal, credentials, cache: 'no-store' } as SafeInit;
          return async () => {
            const response = await fetchSafely(fetcher, url, init, TRAVELS);
            origin = new URL(response.url || url).origin;
            return response;
          };
        },
        onOpen: () => {
          this.#readyState = 1;
          this.dispatchEvent(new Event('open'));
        },
        onRetry(ms) {
          policy.retryInterval = Math.max(ms, SHORTEST_RETRY_MS);
        },
        onEvent: ({ id, event, data }) => {
          this.dispatchEvent(new MessageEvent(event, { data, origin, lastEventId: id }));
        },
        async onChunk(id) {
          lastEventId = id;
          // What has brought something has not failed: the wait after it is the one that the server asked for.
          failures = 0;
        },
        onEnd: ({ code, message, status, cause }) => {
          const willRetry = code === 'NETWORK';
          this.#readyState = willRetry ? 0 : 2;
          if (willRetry) {
            const next = reconnect(
              { failures, refreshed: false },
              { code: 'NETWORK', openMs: 0 },
              policy,
              false,
              random(),
            );
            failures = next.failures;
            this.#release = clock.after(next.delayMs!, connect);
          }
          const error = new SSEError(code, message, { status, cause, willRetry } as SSEErrorDetails);
          this.dispatchEvent(Object.assign(new Event('error'), { error }));
        },
      });
    };
    connect();
  }

  /** The URL as resolved; redirects do not change it. */
  get url(): string {
    return this.#url;
  }

  /** CONNECTING, also while it waits to connect again; OPEN; or CLOSED. */
  get readyState(): 0 | 1 | 2 {
    return this.#readyState;
  }

  get withCredentials(): boolean {
    return this.#withCredentials;
  }

  /** Ends the source for good. No event is dispatched afterwards. */
  close(): void {
    this.#readyState = 2;
    this.#release();
  }

  override addEventListener(type: 'open', listener: Handler<Event>, options?: ListenerOptions): void;
  override addEventListener(type: 'error', listener: Handler<EventSourceErrorEvent>, options?: ListenerOptions): void;
  /** Events of one name; `'message'` for those that have none. */
  override addEventListener(type: string, listener: Handler<EventSourceMessageEvent>, options?: ListenerOptions): void;
  override addEventListener(...all: Parameters<Target['addEventListener']>): void;
  override addEventListener(...all: unknown[]): void {
    super.addEventListener(...(all as Parameters<Target['addEventListener']>));
  }
}

type ListenerOptions = Parameters<Target['addEventListener']>[2];
