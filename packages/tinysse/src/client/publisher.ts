/** `tinysse/publisher`: publishes through a tinysse-hub. */
import { type Clock, systemClock } from '../clock.js';
import { SSEError } from '../errors.js';
import { eventData } from '../protocol/event.js';
import { postLines } from './publish-lines.js';
import { PublishQueue } from './publish-queue.js';

export { SSEError, type SSEErrorCode, type SSEErrorDetails } from '../errors.js';

/** How to reach a hub. Limits are positive numbers; times are in milliseconds. */
export interface HubPublisherOptions {
  /** Where the hub is, as `http://127.0.0.1:7730`. */
  url: string | URL;
  /**
   * Sent as a Bearer token; a function is asked before every request. Keys are bound to its subject: tokens that are renewed
   * must have the same `sub`, or a retry with a new one could publish twice.
   */
  token?: string | (() => string | Promise<string>) | undefined;
  /** Events that may wait for the hub's answer. Default: 10,000. */
  maxPending?: number | undefined;
  /** Their bytes. Default: 64 MiB. */
  maxPendingBytes?: number | undefined;
  /**
   * How long an event is tried again while the hub is away; 0: never. Default: 60,000. It must be shorter than the hub's
   * `--key-window`, 5 minutes, by a request's time: a later retry could publish twice.
   */
  retryForMs?: number | undefined;
  /** How long the hub may take to answer a request. Default: 15,000. */
  answerTimeoutMs?: number | undefined;
  /** Default: the global one, which keeps its connection. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Told of a failure after which the same is tried again. */
  onRetry?: ((error: SSEError) => void) | undefined;
  /** Told of every publish that fails, awaited or not. Default: `console.error`. */
  logger?: ((...args: unknown[]) => void) | undefined;
}

/** An event to publish. */
export interface HubPublishInput {
  /** One channel or several; an event for several is still one event. */
  channels: string | readonly string[];
  /** The event's name; none or empty for an unnamed event. */
  event?: string | undefined;
  /** A string, or bytes that are valid UTF-8. */
  data: string | Uint8Array;
  /** Makes it harmless to publish the same again. Default: one of its own, so that retries are. */
  key?: string | undefined;
}

/** Publishes through a hub, with the methods of a server: what publishes to one publishes to the other. */
export interface HubPublisher {
  /**
   * Publishes an unnamed event. What one turn of the event loop publishes, and what comes while a request is under way,
   * shares a request; events keep their order.
   * @returns the event's cursor, once the hub's log has accepted it
   * @throws SSEError INVALID_DATA, EVENT_TOO_LARGE; LOG_BUSY when too much waits, as for all that the same turn publishes after; ABORTED after `close`; the hub's codes
   *   for an event (INVALID_CHANNEL, KEY_REUSED, FORBIDDEN …); NETWORK, HTTP_STATUS, CONTENT_TYPE and LOG_… when the hub
   *   refuses or has been away for `retryForMs`. Its `outcome` says whether the event may be in the log. A rejection
   *   that nobody awaits goes to the logger only.
   */
  publish(data: string | Uint8Array, ...channels: string[]): Promise<string>;
  /** Publishes a named event; else as {@link HubPublisher.publish}. */
  publishEvent(event: string, data: string | Uint8Array, ...channels: string[]): Promise<string>;
  /** Publishes; the full form. As {@link HubPublisher.publish}. */
  send(input: HubPublishInput): Promise<string>;
  /**
   * Publishes several events in the order given.
   * @returns what became of each, in order: its cursor as `value`, or as `reason` what {@link HubPublisher.send} would throw
   */
  sendAll(inputs: readonly HubPublishInput[]): Promise<PromiseSettledResult<string>[]>;
  /** Events that wait for the hub's answer. */
  readonly pending: number;
  /** Takes no more events; resolves when every one that it has taken is answered or given up. */
  close(): Promise<void>;
}

/** Timers that keep a process alive, as events that wait for a hub must. */
const publisherClock: Clock = {
  ...systemClock,
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * A publisher to a tinysse-hub: one request at a time, with as many events in it as wait. A request whose answer was
 * lost is sent again; every event has a key, so none is published twice.
 *
 * @throws SSEError INVALID_OPTION
 * @example
 * const hub = createHubPublisher({ url: 'http://127.0.0.1:7730' });
 * await hub.publishEvent('price', '12', 'item:1');
 */
export function createHubPublisher(options: HubPublisherOptions): HubPublisher {
  const { token, onRetry, fetch = globalThis.fetch } = options;
  const logger = options.logger ?? ((...args) => console.error('tinysse:', ...args));
  const url = publishUrl(options.url);
  const answerTimeoutMs = positive('answerTimeoutMs', options.answerTimeoutMs, 15_000);

  const queue = new PublishQueue({
    clock: publisherClock,
    onRetry,
    maxPending: positive('maxPending', options.maxPending, 10_000),
    maxPendingBytes: positive('maxPendingBytes', options.maxPendingBytes, 64 * 2 ** 20),
    retryForMs: options.retryForMs === 0 ? 0 : positive('retryForMs', options.retryForMs, 60_000),
    async post(lines) {
      try {
        const given = typeof token === 'function' ? await token() : token;
        const headers: Record<string, string> = given === undefined ? {} : { authorization: `Bearer ${given}` };
        return await postLines(lines, { url, fetch, headers, answerTimeoutMs });
      } catch (cause) {
        const error = new SSEError('UNAUTHORIZED', 'token() failed', { cause, outcome: 'rejected' });
        return lines.map(() => error);
      }
    },
  });

  const keys = crypto.randomUUID();
  let count = 0;
  let closing: Promise<void> | undefined;

  const send = ({ channels, event, data, key }: HubPublishInput): Promise<string> => {
    const answer = (async () => {
      if (closing) throw new SSEError('ABORTED', 'the publisher is closed', { outcome: 'rejected' });
      const text = eventData(data);
      const names = typeof channels === 'string' ? [channels] : channels;
      return queue.push(JSON.stringify({ channels: names, event, data: text, key: key ?? `${keys}-${++count}` }));
    })();
    // A publish that nobody awaits must not end the process when it fails.
    answer.catch((error: unknown) => logger('a publish failed', error));
    return answer;
  };

  return {
    publish: (data, ...channels) => send({ data, channels }),
    publishEvent: (event, data, ...channels) => send({ event, data, channels }),
    send,
    sendAll: (inputs) => Promise.allSettled(inputs.map(send)),
    get pending() {
      return queue.pending;
    },
    close: () => (closing ??= queue.drained()),
  };
}

function positive(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined || value > 0) return value ?? fallback;
  throw new SSEError('INVALID_OPTION', `${name} must be a positive number, not ${value}`);
}

function publishUrl(hub: string | URL): URL {
  try {
    const url = new URL(hub);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    return new URL('publish', url);
  } catch (cause) {
    throw new SSEError('INVALID_OPTION', `url: ${String(hub)} is not the URL of a hub`, { cause });
  }
}
