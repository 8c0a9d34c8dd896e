/** `tinysse/eventsource`: the standard `EventSource`, where there is none or where it needs headers. */
import { fetchSafely } from '#runtime';
import { SSEError, type SSEErrorDetails } from '../errors.js';
import { parseCursor } from '../protocol/cursor.js';
import { clientClock } from './clock.js';
import { reconnect, SHORTEST_RETRY_MS } from './reconnect.js';
import { askInHeader, askInQuery, isFetchable, type SafeInit } from './request.js';
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
/** What is read is of this type, so that a source can be assigned to the DOM's type, which tells handlers less. */
// biome-ignore lint/suspicious/noExplicitAny: as in the DOM's types
type AnyHandler = ((this: any, event: any) => unknown) | null;
type Listening = Parameters<InstanceType<typeof EventTarget>['addEventListener']>;
type ListenerOptions = Listening[2];

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
 *
 * In a browser it differs from the browser's own in three ways, because scripts have only `fetch`. Its events are not
 * `isTrusted`. A refusal by CORS looks like a lost connection, so it is tried again. And to another origin `Last-Event-ID`
 * needs a preflight: a cursor of tinysse goes as the query parameter `lastEventId` instead, which needs none; any other id
 * goes as the header and, where that request fails, as the query parameter.
 * Source: WHATWG HTML, "Server-sent events", the EventSource interface.
 *
 * @example
 * const source = new EventSource('https://example.com/events', { headers: { authorization: `Bearer ${token}` } });
 * source.onmessage = ({ data }) => console.log(data);
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface declares what the static block defines, and overloads of inherited methods
export class EventSource extends EventTarget {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSED: 2;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSED: 2;

  static {
    // biome-ignore lint/complexity/noThisInStatic: where the class names itself in here, bundlers give it another name
    const { prototype } = this;
    const define = (name: PropertyKey, what: PropertyDescriptor, target: object = prototype) =>
      Object.defineProperty(target, name, { enumerable: true, ...what });
    for (const [value, name] of ['CONNECTING', 'OPEN', 'CLOSED'].entries()) {
      define(name, { value }, prototype.constructor);
      define(name, { value });
    }
    // Members of an interface in WebIDL are enumerable, those of a class in JavaScript are not.
    for (const name of ['url', 'readyState', 'withCredentials', 'close']) define(name, {});
    define(Symbol.toStringTag, { value: 'EventSource', enumerable: false, configurable: true });

    // Event handler attributes: a handler that takes another's place takes its turn among the listeners too.
    for (const type of ['open', 'message', 'error'])
      define(`on${type}`, {
        configurable: true,
        get(this: EventSource) {
          return this.#handlers[type] ?? null;
        },
        set(this: EventSource, handler: unknown) {
          const before = this.#handlers[type];
          this.#handlers[type] = typeof handler === 'function' ? (handler as AnyHandler) : null;
          if (!this.#handlers[type]) this.removeEventListener(type, this.#handle);
          else if (!before) this.addEventListener(type, this.#handle);
        },
      });
  }

  readonly #url: string;
  readonly #withCredentials: boolean;
  readonly #handlers: Record<string, AnyHandler> = {};
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
   * @throws TypeError there is no argument
   */
  constructor(url: string | URL, init: EventSourceInit = {}, clock = clientClock, random = Math.random) {
    super();
    // biome-ignore lint/complexity/noArguments: `undefined` is an argument, and becomes the URL "undefined"
    if (!arguments.length) throw new TypeError('EventSource needs a URL');
    // WebIDL takes null for an empty dictionary.
    const { fetch: fetcher, headers: own, withCredentials } = { ...init };
    this.#withCredentials = !!withCredentials;
    try {
      url = this.#url = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
    } catch {
      throw new DOMException(`not a URL: ${url}`, 'SyntaxError');
    }
    const policy = { retryInterval: RETRY_MS, maxRetryDelay: LONGEST_BACKOFF_MS, maxReconnectAttempts: 0 };
    let lastEventId = '';
    let failures = 0;

    const home = globalThis.location?.origin;
    /** Where the last answer came from. */
    let origin: string | undefined;

    const connect = (): void => {
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
          const target = new URL(url);
          const abroad = home && target.origin !== home;
          if (abroad && parseCursor(lastEventId)) askInQuery(target, lastEventId);
          else if (lastEventId) askInHeader(headers, lastEventId);
          // Where there is no cache `no-store` alone says nothing; a browser says this itself, and CORS would ask for it.
          if (!globalThis.location) headers.set('cache-control', 'no-cache');
          // Workers refuse the field, so it is there where it says something.
          const credentials = withCredentials ? ('include' as const) : undefined;
          const init = { headers, signal, credentials, cache: 'no-store' } as SafeInit;
          const ask = () => fetchSafely(fetcher ?? fetch, target.href, init, TRAVELS);
          return async () => {
            const response = await ask().catch((error) => {
              if (!headers.has('last-event-id') || !home || (origin ?? target.origin) === home) throw error;
              // Nothing tells a preflight that was refused from a network that is away.
              headers.delete('last-event-id');
              askInQuery(target, lastEventId);
              return ask();
            });
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
          this.dispatchEvent(new MessageEvent(event, { data, origin: origin!, lastEventId: id }));
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
}

export interface EventSource {
  /** A stream has been opened, for the first time or again. */
  get onopen(): AnyHandler;
  set onopen(handler: Handler<Event>);
  /** An event without a name. */
  get onmessage(): AnyHandler;
  set onmessage(handler: Handler<EventSourceMessageEvent>);
  /** The stream was lost, and `readyState` is CONNECTING, or it has ended for good, and is CLOSED. */
  get onerror(): AnyHandler;
  set onerror(handler: Handler<EventSourceErrorEvent>);
  addEventListener(type: 'open', listener: Handler<Event>, options?: ListenerOptions): void;
  addEventListener(type: 'error', listener: Handler<EventSourceErrorEvent>, options?: ListenerOptions): void;
  /** Events of one name; `'message'` for those that have none. */
  addEventListener(type: string, listener: Handler<EventSourceMessageEvent>, options?: ListenerOptions): void;
  addEventListener(type: string, listener: AnyHandler | Listening[1], options?: ListenerOptions): void;
  removeEventListener(type: string, listener: AnyHandler | Listening[1], options?: ListenerOptions): void;
}
