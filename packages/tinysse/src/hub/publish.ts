import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import type { Log, LogEvent, MaybePromise } from '../log/log.js';
import { mayPass, notTried } from '../log/series.js';
import { type Cursor, formatCursor } from '../protocol/cursor.js';
import { encodedLength } from '../protocol/encode.js';
import { type ChannelName, channelName, eventData, eventName, publishKey } from '../protocol/event.js';
import type { HubObserver } from './observer.js';

/** An event to publish. */
export interface PublishInput {
  /** One channel or several; an event for several is still one event. */
  channels: string | readonly string[];
  /** The event's name; none or empty for an unnamed event. */
  event?: string | undefined;
  /** A string, or bytes that are valid UTF-8. */
  data: string | Uint8Array;
  /** Makes a retry harmless: an equal event with the same key within the log's key window is stored once. */
  key?: string | undefined;
  /**
   * Who publishes: a key means something among the events of one publisher only, so that nobody can take another's keys or
   * see that they are used. At most 128 bytes of UTF-8. Default: all events without one are of one publisher.
   */
  publisher?: string | undefined;
}

/** Limits on publishing. */
export interface PublishLimits {
  readonly channelsPerEvent: number;
  /** Of one event as wire text, without its id. */
  readonly eventBytes: number;
  /** Publishes and their bytes that the log has not answered yet. */
  readonly pendingPublishes: number;
  readonly pendingBytes: number;
  /** How long the log may take, in milliseconds. */
  readonly publishTimeoutMs: number;
}

/**
 * Checks channel names and drops repeats.
 * @throws SSEError NO_CHANNEL, TOO_MANY_CHANNELS, INVALID_CHANNEL
 */
export function channelNames(input: string | readonly string[], max: number): ChannelName[] {
  if (typeof input === 'string') return [channelName(input)];
  if (!Array.isArray(input)) throw new SSEError('INVALID_CHANNEL', 'channels must be a string or an array of strings');
  if (input.length === 1) return [channelName(input[0])];
  if (input.length === 0) throw new SSEError('NO_CHANNEL', 'no channel is named; name at least one');
  const names = [...new Set(input.map(channelName))];
  if (names.length > max)
    throw new SSEError('TOO_MANY_CHANNELS', `${names.length} channels are named; at most ${max} are allowed`);
  return names;
}

/**
 * Checks everything about an event before anything is stored.
 * @throws SSEError the publish codes of errors.ts, with outcome `'rejected'`
 */
function validateEvent(input: PublishInput, limits: PublishLimits, series: object | undefined): LogEvent {
  const channels = channelNames(input.channels, limits.channelsPerEvent);
  const event = eventName(input.event);
  const data = eventData(input.data);
  const key = keyOf(input);
  const size = encodedLength(event, data);
  if (size > limits.eventBytes)
    throw new SSEError(
      'EVENT_TOO_LARGE',
      `the event takes ${size} bytes on the wire; at most ${limits.eventBytes} are allowed`,
    );
  return { channels, event, data, size, key, series };
}

/** As {@link validateEvent}; what is no event at all is refused with INVALID_DATA. */
function validEvent(input: PublishInput, limits: PublishLimits, series: object | undefined): LogEvent {
  try {
    return validateEvent(input, limits, series);
  } catch (cause) {
    if (cause instanceof SSEError) throw withOutcome(cause, 'rejected');
    throw new SSEError('INVALID_DATA', 'this is no event { channels, data }', { cause, outcome: 'rejected' });
  }
}

/** What the log knows a key by. Keys hold no control character, so those of different publishers never meet. */
function keyOf({ key, publisher }: PublishInput): string | undefined {
  if (key === undefined) return undefined;
  return publisher === undefined ? publishKey(key) : `${publishKey(publisher)}\0${publishKey(key)}`;
}

/** What a publisher works with. */
export interface PublisherOptions {
  readonly log: Log;
  readonly limits: PublishLimits;
  readonly clock: Clock;
  readonly observer: HubObserver;
}

/** Appends events to a log, bounded in number, bytes and time. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #ready: () => MaybePromise<void>;
  readonly #acknowledged: (cursor: Cursor) => void;
  #published = 0;
  #pending = 0;
  #bytes = 0;

  /**
   * @param ready - makes the log ready for an event, at once where it can; throws when none may be published
   * @param acknowledged - called when the log has accepted an event
   */
  constructor(options: PublisherOptions, ready: () => MaybePromise<void>, acknowledged: (cursor: Cursor) => void) {
    this.#options = options;
    this.#ready = ready;
    this.#acknowledged = acknowledged;
  }

  /** Events that the log has accepted. */
  get published(): number {
    return this.#published;
  }

  /** Publishes that the log has not answered yet. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Validates and appends.
   * @returns the event's cursor once the log has accepted it, at once where the log answers at once
   * @throws SSEError publish and log codes, with `outcome`
   */
  publish(input: PublishInput): MaybePromise<string> {
    const begun = this.#options.observer.published ? performance.now() : 0;
    try {
      const waiting = this.#ready();
      const answer = waiting ? waiting.then(() => this.#append(input)) : this.#append(input);
      if (!(answer instanceof Promise)) return this.#accepted(answer, begun);
      return answer.then(
        (cursor) => this.#accepted(cursor, begun),
        (error: unknown) => this.#refused(error, begun),
      );
    } catch (error) {
      return this.#refused(error, begun);
    }
  }

  #accepted(cursor: string, begun: number): string {
    this.#published++;
    this.#options.observer.published?.(performance.now() - begun);
    return cursor;
  }

  #refused(error: unknown, begun: number): never {
    this.#options.observer.published?.(performance.now() - begun, error);
    throw error;
  }

  /**
   * Validates and appends events in order, without waiting for one before the next; once the log has not taken one, it
   * takes none after it, so that sending them again keeps the order. The clock and the observer are asked
   * once for all of them: bench/batch.
   * @param inputOf - makes one ready; what it throws is that event's error
   * @returns what became of each; never rejects
   */
  async publishAll<Item>(
    items: readonly Item[],
    inputOf: (item: Item) => PublishInput,
  ): Promise<PromiseSettledResult<string>[]> {
    const { observer } = this.#options;
    const begun = observer.published ? performance.now() : 0;
    const results = await this.#appendAll(items, inputOf);
    const ms = observer.published ? performance.now() - begun : 0;
    let accepted = 0;
    for (const result of results)
      if (result.status === 'fulfilled') accepted++;
      else observer.published?.(ms, result.reason);
    this.#published += accepted;
    if (accepted > 0) observer.published?.(ms, undefined, accepted);
    return results;
  }

  /** What comes after this call comes after it in the log too, and may change `items`: so it appends before it waits. */
  async #appendAll<Item>(
    items: readonly Item[],
    inputOf: (item: Item) => PublishInput,
  ): Promise<PromiseSettledResult<string>[]> {
    let waits = false;
    let stopped: SSEError | undefined;
    const series = {};
    const appended = (item: Item): MaybePromise<PromiseSettledResult<string>> => {
      if (stopped) return rejected(stopped);
      try {
        const answer = this.#append(inputOf(item), series);
        if (!(answer instanceof Promise)) return fulfilled(answer);
        waits = true;
        return answer.then(fulfilled, rejected);
      } catch (error) {
        if (mayPass(error)) stopped = notTried(error);
        return rejected(error);
      }
    };
    let all = items;
    try {
      const waiting = this.#ready();
      if (waiting) {
        all = [...items];
        await waiting;
      }
    } catch (error) {
      return Array.from(all, () => rejected(error));
    }
    const results = Array.from(all, appended);
    return waits ? Promise.all(results) : (results as PromiseSettledResult<string>[]);
  }

  #append(input: PublishInput, series?: object): MaybePromise<string> {
    const { log, limits } = this.#options;
    let answer: Cursor | Promise<Cursor>;
    const event = validEvent(input, limits, series);
    try {
      if (this.#pending >= limits.pendingPublishes || this.#bytes + event.size > limits.pendingBytes)
        throw new SSEError('LOG_BUSY', 'the log is behind with publishes; retry later', { outcome: 'rejected' });
      answer = log.append(event);
    } catch (error) {
      throw withOutcome(error, 'rejected');
    }
    return answer instanceof Promise ? this.#wait(answer, event.size) : this.#answer(answer);
  }

  #answer(cursor: Cursor): string {
    this.#acknowledged(cursor);
    return formatCursor(cursor.epoch, cursor.offset);
  }

  async #wait(answer: Promise<Cursor>, size: number): Promise<string> {
    this.#pending++;
    this.#bytes += size;
    const answered = answer.finally(() => {
      this.#pending--;
      this.#bytes -= size;
    });
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      const { publishTimeoutMs } = this.#options.limits;
      const message = `the log did not answer within ${publishTimeoutMs} ms; retry with the same key to be safe`;
      cancel = this.#options.clock.after(publishTimeoutMs, () =>
        reject(new SSEError('LOG_TIMEOUT', message, { outcome: 'unknown' })),
      );
    });
    try {
      return this.#answer(await Promise.race([answered, late]));
    } catch (error) {
      throw withOutcome(error, 'unknown');
    } finally {
      cancel();
    }
  }
}

const fulfilled = (value: string): PromiseSettledResult<string> => ({ status: 'fulfilled', value });
const rejected = (reason: unknown): PromiseSettledResult<string> => ({ status: 'rejected', reason });

/** The error as an SSEError that says what became of the event. */
function withOutcome(error: unknown, outcome: 'rejected' | 'unknown'): SSEError {
  if (!(error instanceof SSEError)) return new SSEError('LOG_UNAVAILABLE', 'the log failed', { cause: error, outcome });
  return error.outcome ? error : Object.assign(error, { outcome });
}
