import { inTime } from '../clock.js';
import { SSEError } from '../errors.js';
import type { LogStats, MaybePromise } from '../log/log.js';
import { formatCursor } from '../protocol/cursor.js';
import type { ChannelName } from '../protocol/event.js';
import { Delivery, type DeliveryCounts, type DeliveryOptions, type Resumes } from './delivery.js';
import { controlComments, controlEvents, type ResetReason, retryFrame } from './frames.js';
import { Presence } from './presence.js';
import { Publisher, type PublishInput, type PublishLimits } from './publish.js';
import { gapBefore } from './resume.js';
import type { CloseReason, Sink } from './sink.js';
import { type Snapshot, type SnapshotCounts, type SnapshotOptions, Snapshots } from './snapshot.js';
import { runSource, type Source } from './source.js';
import { startAt } from './start.js';
import { Subscriber } from './subscriber.js';

export interface HubOptions extends DeliveryOptions {
  readonly limits: PublishLimits & SnapshotOptions['limits'] & { readonly clients: number };
  /** What clients are told to wait before they reconnect, ± 50 % by chance for each. */
  readonly retryMs: number;
}

/** A connection to be served. */
export interface SubscribeOptions {
  /** At least one, unless there is a source. */
  readonly channels: readonly ChannelName[];
  readonly sink: Sink;
  /** `'latest'`, `'earliest'`, or the last event id that the client sent. */
  readonly from: string;
  /** False: comments instead of the server's own events. */
  readonly controlEvents: boolean;
  /** When the stream ends, in milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
  readonly source?: Source | undefined;
  /** What the client gets when it has no position to continue from: at first, unless `from` says where, and at every gap. */
  readonly snapshot?: Snapshot | undefined;
  /** Called once, with the number of events that were written. */
  readonly onClose?: ((reason: CloseReason, events: number) => void) | undefined;
}

/** A hub measured. */
export interface HubStats {
  readonly epoch: string;
  /** The offset of the last event the hub has heard of. */
  readonly offset: number;
  readonly subscribers: number;
  /** Those of them that are behind. */
  readonly behind: number;
  /** Channels with subscribers. */
  readonly channels: number;
  readonly published: number;
  /** Publishes that the log has not answered yet. */
  readonly pending: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly resets: DeliveryCounts['resets'];
  readonly resumes: Readonly<Resumes>;
  readonly snapshots: Readonly<SnapshotCounts>;
  /** Undefined while the log is away. */
  readonly log: LogStats | undefined;
  readonly draining: boolean;
}

/** Channels, subscribers and delivery. A hub knows nothing of HTTP. */
export class Hub {
  readonly #options: HubOptions;
  readonly #delivery: Delivery;
  readonly #publisher: Publisher;
  readonly #snapshots: Snapshots;
  readonly presence: Presence;
  #closing: Promise<void> | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#delivery = new Delivery(options);
    this.#snapshots = new Snapshots(options, () => ({ epoch: this.#delivery.epoch, offset: this.#delivery.head }));
    const ready = (): MaybePromise<void> => {
      if (this.#closing) throw new SSEError('LOG_CLOSED', 'the server is closing', { outcome: 'rejected' });
      return this.open();
    };
    this.#publisher = new Publisher(options, ready, (cursor) => this.#delivery.acknowledged(cursor));
    this.presence = new Presence(options.log, {
      channels: () => this.#delivery.channels.counts(),
      disconnect: (channel) => this.disconnect(channel),
    });
    this.#delivery.opened = () => this.presence.join();
    this.#delivery.becameLive = (subscriber) => {
      if (this.#closing) this.#delivery.dismiss(subscriber, 'draining');
    };
  }

  /** Makes the log ready; at once where the log answers at once. @throws SSEError LOG_UNAVAILABLE and other log codes */
  open(): MaybePromise<void> {
    return this.#delivery.open();
  }

  /**
   * Publishes an event.
   * @returns its cursor once the log has accepted it, at once where the log answers at once
   * @throws SSEError publish and log codes, with `outcome`
   */
  publish(input: PublishInput): MaybePromise<string> {
    return this.#publisher.publish(input);
  }

  /**
   * Publishes events in order, without waiting for one before the next.
   * @param inputOf - makes one ready; what it throws is that event's error
   * @returns what became of each; never rejects
   */
  publishAll<Item>(
    items: readonly Item[],
    inputOf: (item: Item) => PublishInput,
  ): Promise<PromiseSettledResult<string>[]> {
    return this.#publisher.publishAll(items, inputOf);
  }

  /** Whether a channel of this name has subscribers here. */
  hears(channel: string): boolean {
    // Long data is no channel's name, and would be hashed whole.
    return channel.length <= 255 && this.#delivery.channels.get(channel as ChannelName) !== undefined;
  }

  /** The log's head as a cursor: to take before a snapshot is read, to start a stream after it. */
  async cursor(): Promise<string> {
    await this.open();
    const { epoch, offset } = await this.#options.log.head();
    return formatCursor(epoch, offset);
  }

  /** Whether there is room for one more. @throws SSEError BUSY, DRAINING */
  admit(): void {
    if (this.#closing) throw new SSEError('DRAINING', 'the server is closing; reconnect in a few seconds');
    const { clients } = this.#options.limits;
    if (this.#delivery.subscribers.size >= clients)
      throw new SSEError('BUSY', `the server has its ${clients} clients; reconnect later`);
  }

  /** Why a stream cannot go on after `from` without a gap; undefined when it can. The hub must be open. */
  async gap(channels: readonly ChannelName[], from: string): Promise<ResetReason | undefined> {
    const { place } = startAt(from, this.#delivery);
    if (place.fromEarliest) return undefined;
    const { log } = this.#options;
    const head = await log.head();
    if (place.epoch === head.epoch && place.offset > head.offset) return 'unknown';
    const { offset } = place;
    return gapBefore(place, await log.read({ channels, after: offset, upTo: offset, maxEvents: 1, maxBytes: 1 }));
  }

  /** Serves a connection from its start on. The hub must be open. @returns ends it: the client has left */
  subscribe(options: SubscribeOptions): () => void {
    const delivery = this.#delivery;
    const start = startAt(options.from, delivery);
    const control = options.controlEvents ? controlEvents : controlComments;
    const subscriber = new Subscriber(delivery, options.channels, options.sink, control, start);
    delivery.attach(subscriber);
    const { retryMs, random, heartbeatMs } = this.#options;
    const needsSnapshot = options.snapshot !== undefined && options.from === 'latest';
    // A client that is cut while a source or a snapshot runs comes back as it came, and gets all of it.
    const position = options.source || needsSnapshot ? undefined : subscriber.start;
    subscriber.note(retryFrame(retryMs * (0.5 + random())) + control.position(position, heartbeatMs));
    const { expiresAt, source, snapshot, onClose } = options;
    if (expiresAt !== undefined || source || snapshot || onClose) this.#accompany(subscriber, options);
    if (needsSnapshot) subscriber.takeSnapshot(undefined);
    // Those who come back take their pages in turns: a crowd of them must not hold up this one.
    else if (options.from === 'latest') subscriber.step();
    else delivery.enqueue(subscriber);
    return () => delivery.release(subscriber, 'gone');
  }

  /** What few connections have, in a place where it costs the others nothing. */
  #accompany(subscriber: Subscriber, options: SubscribeOptions): void {
    const { channels, expiresAt, source, snapshot, onClose } = options;
    const { clock, logger, heartbeatMs } = this.#options;
    const end = (reason: CloseReason): void => this.#delivery.release(subscriber, reason);
    const unexpire = expiresAt === undefined ? undefined : clock.after(expiresAt - clock.now(), () => end('expired'));
    let stopSource: (() => void) | undefined;
    const released = (reason: CloseReason): void => {
      unexpire?.();
      stopSource?.();
      onClose?.(reason, subscriber.delivered);
    };
    if (subscriber.closed) return released('failed');
    subscriber.released = released;
    if (snapshot)
      subscriber.snapshot = (gap) => {
        stopSource = this.#snapshots.take(subscriber, snapshot, gap);
      };
    if (!source) return;
    const done = (error?: unknown): void => {
      if (error !== undefined) logger('a source failed', error);
      if (error !== undefined || channels.length === 0) return end(error === undefined ? 'ended' : 'failed');
      subscriber.behindSince = clock.now();
      subscriber.note(subscriber.control.position(subscriber.start, heartbeatMs));
      subscriber.step();
    };
    stopSource = runSource(subscriber, { clock, open: () => source, done });
  }

  /** Ends every stream of a channel, here and now. @returns how many */
  disconnect(channel: ChannelName): number {
    const subscribers = [...(this.#delivery.channels.get(channel)?.subscribers ?? [])];
    for (const subscriber of subscribers) this.#delivery.release(subscriber, 'disconnected');
    return subscribers.length;
  }

  /** Measures the hub; a log that is away keeps nobody from knowing the rest. */
  async stats(): Promise<HubStats> {
    const log = await this.#logStats();
    const { epoch, head, subscribers, channels, counts } = this.#delivery;
    let behind = 0;
    for (const subscriber of subscribers.members()) if (!subscriber.live) behind++;
    return {
      epoch,
      offset: head,
      subscribers: subscribers.size,
      behind,
      channels: channels.size,
      published: this.#publisher.published,
      pending: this.#publisher.pending,
      delivered: counts.delivered,
      deliveredBytes: counts.deliveredBytes,
      resets: { ...counts.resets },
      resumes: { ...counts.resumes },
      snapshots: this.#snapshots.counts,
      log,
      draining: this.#closing !== undefined,
    };
  }

  async #logStats(): Promise<LogStats | undefined> {
    const { log, clock, limits } = this.#options;
    const measured = (async () => {
      await this.open();
      return log.stats();
    })().catch(() => undefined);
    return inTime(measured, limits.publishTimeoutMs, clock, () => undefined);
  }

  /**
   * Refuses newcomers and publishes, flushes, and ends every stream: at once those that are live, those behind when
   * they have met the edge, all by `drainMs`. The log stays open.
   */
  close(drainMs: number): Promise<void> {
    if (this.#closing) return this.#closing;
    const { subscribers } = this.#delivery;
    this.#closing = new Promise((resolve) => (this.#delivery.emptied = resolve));
    this.#delivery.flush();
    for (const subscriber of subscribers.members()) if (subscriber.live) this.#delivery.dismiss(subscriber, 'draining');
    if (subscribers.size === 0) this.#delivery.emptied();
    const cancel = this.#options.clock.after(drainMs, () => {
      for (const subscriber of subscribers.members()) this.#delivery.dismiss(subscriber, 'draining');
    });
    return this.#closing.then(() => {
      cancel();
      this.presence.leave();
      this.#options.log.unwatch(this.#delivery);
    });
  }
}
