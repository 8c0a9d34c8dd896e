import type { Clock } from '../clock.js';
import type { Log, LogEntry, LogWatcher, MaybePromise } from '../log/log.js';
import type { Cursor } from '../protocol/cursor.js';
import { Catchup, type CatchupPage } from './catchup.js';
import { Channels } from './channel.js';
import { Pending } from './flush.js';
import { type ResetReason, retryFrame } from './frames.js';
import { Wheel } from './heartbeat.js';
import type { HubObserver } from './observer.js';
import type { CloseReason } from './sink.js';
import type { Subscriber, SubscriberHost } from './subscriber.js';
import { Window } from './window.js';

/** How a hub delivers. Times in milliseconds. */
export interface DeliveryOptions {
  /** Where the entries come from. */
  readonly log: Log;
  readonly clock: Clock;
  /** Told of what cannot be told to a client. */
  readonly logger: (...args: unknown[]) => void;
  /** Events handed at once to a subscriber that is behind. */
  readonly clientChannelBuffer: number;
  /** What happens to a subscriber that has been behind for `stallMs`: it reads on, or it is disconnected. */
  readonly slowClient: 'replay' | 'disconnect';
  /** The longest silence on a stream. */
  readonly heartbeatMs: number;
  /** How long a subscriber may take nothing. */
  readonly stallMs: number;
  /** The longest piece written at once in bytes, unless one frame is longer. */
  readonly pageBytes: number;
  /** Flushed entries kept in memory when the log is not, in bytes. */
  readonly windowBytes: number;
  /** Reads of the log under way at once. */
  readonly maxReads: number;
  readonly observer: HubObserver;
  /** A random number in [0, 1). */
  readonly random: () => number;
}

/** Streams that began at a position of their client's: how many met the edge without a gap, and with one. */
export interface Resumes {
  complete: number;
  reset: number;
}

/** What a delivery has done since it began. */
export interface DeliveryCounts {
  delivered: number;
  deliveredBytes: number;
  readonly resets: Record<ResetReason, number>;
  /** What became of streams that began at a position of their client's. */
  readonly resumes: Resumes;
}

/** When clients whose connection is ended are to come back: spread, so that they do not all come at once. */
const RETURN_MS = { least: 1_000, most: 5_000 };

/** How long a subscriber waits before it asks a log again that failed. */
const LOG_RETRY_MS = 1_000;

/**
 * How long those behind may take steps in one turn: thousands that come back at once must not keep from the live ones what
 * was published meanwhile. bench: reconnect-storm
 */
const STEPS_MS = 10;

/** Brings what the log accepts to subscribers: the edge, one flush per turn, and the steps of those behind. */
export class Delivery implements SubscriberHost, LogWatcher {
  epoch = '';
  edge = 0;
  head = 0;
  readonly channels = new Channels<Subscriber>();
  readonly subscribers: Wheel<Subscriber>;
  readonly counts: DeliveryCounts = {
    delivered: 0,
    deliveredBytes: 0,
    resets: { evicted: 0, epoch: 0, unknown: 0 },
    resumes: { complete: 0, reset: 0 },
  };
  /** Called when the log is ready. */
  opened: () => void = () => {};
  /** Called when a subscriber has met the edge. */
  becameLive: (subscriber: Subscriber) => void = () => {};
  /** Called when the last subscriber has been released. */
  emptied: () => void = () => {};

  readonly #options: DeliveryOptions;
  readonly #pending = new Pending(this.channels);
  readonly #window: Window | undefined;
  readonly #catchup: Catchup;
  #ready: Subscriber[] = [];
  #waiting: Subscriber[] = [];
  #scheduled = false;
  /** Entries that the next flush will bring, and when the first of them came. */
  #heard = 0;
  #heardAt = 0;
  #open = false;
  #opening: Promise<void> | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    const { log, clock, windowBytes, heartbeatMs, stallMs } = options;
    this.#window = log.inMemory ? undefined : new Window(windowBytes, clock, log.retention);
    this.#catchup = new Catchup({
      ...options,
      window: this.#window,
      maxEvents: options.clientChannelBuffer,
      maxBytes: options.pageBytes,
    });
    this.subscribers = new Wheel(options.clock, Math.min(heartbeatMs, stallMs), (subscriber) =>
      this.#visit(subscriber),
    );
  }

  /** Begins to follow the log; at once where the log answers at once. @throws what the log throws; the next call tries again */
  open(): MaybePromise<void> {
    if (this.#open) return;
    if (this.#opening) return this.#opening;
    const head = this.#options.log.watch(this);
    if (!(head instanceof Promise)) return this.#begin(head);
    this.#opening = head.then((at) => this.#begin(at)).finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  #begin({ epoch, offset }: Cursor): void {
    this.#open = true;
    this.epoch = epoch;
    this.edge = this.head = Math.max(offset, this.head);
    this.#window?.restart({ epoch, offset: this.head });
    this.opened();
  }

  attach(subscriber: Subscriber): void {
    this.subscribers.add(subscriber);
    this.channels.join(subscriber);
  }

  release(subscriber: Subscriber, reason: CloseReason): void {
    if (subscriber.closed) return;
    subscriber.closed = true;
    subscriber.live = false;
    this.subscribers.delete(subscriber);
    this.channels.leave(subscriber);
    if (reason !== 'gone') subscriber.sink.close();
    subscriber.released?.(reason);
    if (this.subscribers.size === 0) this.emptied();
  }

  dismiss(subscriber: Subscriber, reason: CloseReason): void {
    const { least, most } = RETURN_MS;
    if (!subscriber.full) subscriber.note(retryFrame(least + this.#options.random() * (most - least)));
    this.release(subscriber, reason);
  }

  committed(entry: LogEntry): void {
    if (entry.offset <= this.head) return;
    this.head = entry.offset;
    if (this.#heard++ === 0 && this.#options.observer.flushed) this.#heardAt = performance.now();
    this.#window?.push(entry);
    this.#pending.add(entry);
    this.#schedule();
  }

  /**
   * The log has accepted an entry. By its contract the hub has heard of it; if not, the report is lost or late, and everybody reads
   * instead: an acknowledged event must reach its subscribers whatever becomes of its report.
   */
  acknowledged({ epoch, offset }: Cursor): void {
    if (offset > this.head && epoch === this.epoch) this.interrupted({ epoch, offset });
  }

  interrupted(head: Cursor): void {
    for (const subscriber of this.subscribers.members()) subscriber.interrupt(this.edge);
    this.#pending.clear();
    this.#heard = 0;
    this.#catchup.clear();
    this.#window?.restart(head);
    this.epoch = head.epoch;
    this.edge = this.head = head.offset;
    this.#wake();
  }

  /** Writes what is pending to everyone live, now. */
  flush(): void {
    if (this.edge === this.head) return;
    const upTo = this.head;
    this.#pending.flush(this.epoch, this.#options.pageBytes);
    this.edge = upTo;
    this.#options.observer.flushed?.(this.#heard, performance.now() - this.#heardAt);
    this.#heard = 0;
    this.#wake();
  }

  enqueue(subscriber: Subscriber): void {
    if (subscriber.queued) return;
    subscriber.queued = true;
    this.#ready.push(subscriber);
    this.#schedule();
  }

  afterFlush(subscriber: Subscriber): void {
    this.#waiting.push(subscriber);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const subscriber of waiting) this.enqueue(subscriber);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // One flush per turn: what is published meanwhile leaves in one write per subscriber. Microtasks would never batch.
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      this.flush();
      this.#stepReady();
    });
  }

  /** Lets those behind take their steps; those whose turn does not come in time wait for the next, after its flush. */
  #stepReady(): void {
    const { clock } = this.#options;
    const ready = this.#ready;
    this.#ready = [];
    const until = clock.now() + STEPS_MS;
    for (let i = 0; i < ready.length; ) {
      const subscriber = ready[i++]!;
      subscriber.queued = false;
      try {
        subscriber.step();
      } catch (error) {
        this.logFailed(subscriber, error);
      }
      if (i === ready.length || clock.now() < until) continue;
      this.#ready = [...ready.slice(i), ...this.#ready];
      return this.#schedule();
    }
  }

  /** Heartbeats and stalls. */
  #visit(subscriber: Subscriber): void {
    const { clock, stallMs, slowClient, heartbeatMs } = this.#options;
    const now = clock.now();
    if (subscriber.full) {
      if (now - subscriber.progressAt >= stallMs) return this.release(subscriber, 'stalled');
    } else if (this.subscribers.due(subscriber.wroteAt, heartbeatMs)) {
      subscriber.note(subscriber.control.position(subscriber.cursor, heartbeatMs));
    }
    const slow = !subscriber.live && !subscriber.source && now - subscriber.behindSince >= stallMs;
    if (slow && slowClient === 'disconnect') this.release(subscriber, 'slow');
  }

  get ticks(): number {
    return this.subscribers.ticks;
  }

  get heartbeatMs(): number {
    return this.#options.heartbeatMs;
  }

  now(): number {
    return this.#options.clock.now();
  }

  logHead(): MaybePromise<Cursor> {
    return this.#options.log.head();
  }

  logResume(cursor: Cursor): MaybePromise<Cursor> {
    return this.#options.log.resume?.(cursor) ?? { epoch: this.epoch, offset: 0 };
  }

  page(subscriber: Subscriber, after: number): MaybePromise<CatchupPage> {
    return this.#catchup.page(subscriber.channels, subscriber.key, { epoch: this.epoch, offset: after }, this.edge);
  }

  wasReset(reason: ResetReason): void {
    this.counts.resets[reason]++;
  }

  wasResumed(result: keyof Resumes): void {
    this.counts.resumes[result]++;
  }

  wasDelivered(events: number, bytes: number): void {
    this.counts.delivered += events;
    this.counts.deliveredBytes += bytes;
  }

  /** The log cannot be read now: the subscriber stays connected and asks again. */
  logFailed(subscriber: Subscriber, error: unknown): void {
    this.#options.logger('the log cannot be read, will try again', error);
    this.#options.clock.after(LOG_RETRY_MS, () => this.enqueue(subscriber));
  }
}
