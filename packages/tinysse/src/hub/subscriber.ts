import type { MaybePromise } from '../log/log.js';
import { type Cursor, formatCursor } from '../protocol/cursor.js';
import type { ChannelName } from '../protocol/event.js';
import type { CatchupPage } from './catchup.js';
import type { Batch, Receiver } from './flush.js';
import { type ControlFrames, type Page, pieceOf, type ResetReason } from './frames.js';
import type { Spoke } from './heartbeat.js';
import type { CloseReason, Piece, Sink } from './sink.js';
import type { Start } from './start.js';

/** What a subscriber needs of its hub. */
export interface SubscriberHost {
  readonly epoch: string;
  /** The offset up to which the hub has flushed. */
  readonly edge: number;
  /** The highest offset that the hub has heard of. */
  readonly head: number;
  now(): number;
  /** Counts heartbeat ticks: tells who has been written to lately. */
  readonly ticks: number;
  /** Steps the subscriber in a coming turn. */
  enqueue(subscriber: Subscriber): void;
  /** Steps the subscriber after the next flush. */
  afterFlush(subscriber: Subscriber): void;
  logHead(): MaybePromise<Cursor>;
  /** Up to where the log shares its past with a cursor of another epoch. */
  logResume(cursor: Cursor): MaybePromise<Cursor>;
  page(subscriber: Subscriber, after: number): MaybePromise<CatchupPage>;
  wasReset(reason: ResetReason): void;
  /** A subscriber with a position of its client's has met the edge, or its first gap. */
  wasResumed(result: 'complete' | 'reset'): void;
  wasDelivered(events: number, bytes: number): void;
  becameLive(subscriber: Subscriber): void;
  logFailed(subscriber: Subscriber, error: unknown): void;
  release(subscriber: Subscriber, reason: CloseReason): void;
}

/**
 * One connection: a channel set, a position in the log, a sink. At the edge it is live and the flush writes to it;
 * anywhere else it is behind and takes steps of its own: a page from the log, a reset, a wait.
 */
export class Subscriber implements Receiver, Spoke {
  // What every delivery looks at stands together: memory is read by the line, and each subscriber's is cold. bench: fan-out-paced
  live = false;
  batch: Batch | undefined;
  closed = false;
  readonly sink: Sink;
  readonly #host: SubscriberHost;
  /** The host's tick of the last write. */
  wroteAt = 0;
  /** Events written to it. */
  delivered = 0;
  readonly channels: readonly ChannelName[];
  readonly control: ControlFrames;
  /** Whether the sink still holds bytes. */
  full = false;
  /** Whether a step is due in a coming turn. */
  queued = false;
  /** Called once, when it has been released. */
  released: ((reason: CloseReason) => void) | undefined;
  slice = 0;
  /** What goes first while it is set: a source; called when there may be room in the sink. */
  source: (() => void) | undefined;
  /** When it began to be behind, and when it last took bytes; milliseconds since 1970. */
  behindSince: number;
  progressAt: number;

  #epoch: string;
  /** Not moved while live: then it is the edge. */
  #position: number;
  #lastEventId: string | undefined;
  /** Floors up to here have been reset for, or were asked for. */
  #noted = 0;
  #fromEarliest: boolean;
  /** Up to where the log, in that epoch of it, shares its past with this subscriber's epoch. */
  #shared: Cursor | undefined;
  /** It joined when the hub had heard of this; entries up to it were not pending for it. */
  readonly #joinedAt: Cursor;
  #resets = 0;
  #key = '';
  #reading = false;
  /** Goes on with what the log has answered. */
  #answered: (() => void) | undefined;

  constructor(
    host: SubscriberHost,
    channels: readonly ChannelName[],
    sink: Sink,
    control: ControlFrames,
    start: Start,
  ) {
    this.#host = host;
    this.channels = channels;
    this.sink = sink;
    this.control = control;
    this.#epoch = start.epoch;
    this.#position = start.offset;
    this.#lastEventId = start.lastEventId;
    this.#fromEarliest = start.fromEarliest ?? false;
    this.#joinedAt = { epoch: host.epoch, offset: host.head };
    this.behindSince = this.progressAt = host.now();
  }

  /** Names the channel set, whatever its order. */
  get key(): string {
    this.#key ||= [...this.channels].sort().join('\n');
    return this.#key;
  }

  /** The cursor after everything that has been written. */
  get position(): string {
    return formatCursor(this.#epoch, this.live ? this.#host.edge : this.#position);
  }

  /** Whether its position is one of this log's: only then may a frame say it. */
  get settled(): boolean {
    return this.#epoch === this.#host.epoch;
  }

  prefetch(): number {
    return this.sink.prefetch?.() ?? 0;
  }

  /** Writes pages that are due now, as far as the sink takes them. */
  deliver(pages: readonly Page[]): void {
    for (const page of pages) {
      if (this.closed) return;
      const empty = this.write(page);
      this.#delivered(page.count, page.bytes.length);
      if (!empty) return this.#fallBehind(page.through);
    }
  }

  /** Writes a piece; false when the sink holds bytes now. A sink that throws is released. */
  write(piece: Piece): boolean {
    this.wroteAt = this.#host.ticks;
    try {
      if (this.sink.write(piece)) return true;
      this.full = true;
      this.progressAt = this.#host.now();
      this.sink.whenDrained(() => {
        this.full = false;
        this.progressAt = this.#host.now();
        if (!this.live) this.#host.enqueue(this);
      });
    } catch {
      this.#host.release(this, 'failed');
    }
    return false;
  }

  #delivered(events: number, bytes: number): void {
    this.delivered += events;
    this.#host.wasDelivered(events, bytes);
  }

  /** Writes a frame that moves no position. */
  note(text: string): void {
    const { edge } = this.#host;
    if (!this.write(pieceOf(text)) && this.live) this.#fallBehind(edge);
  }

  /** Leaves the edge without having fallen behind: the log could not tell what it reported. */
  interrupt(edge: number): void {
    if (!this.live) return;
    this.#fallBehind(edge);
    if (!this.full) this.#host.enqueue(this);
  }

  /** Whether its position is a cursor of another epoch. */
  get #crosses(): boolean {
    return this.#epoch !== '' && !this.settled;
  }

  /** Takes one step towards the edge. */
  step(): void {
    if (this.closed || this.live || this.full) return;
    const answered = this.#answered;
    if (answered) {
      this.#answered = undefined;
      this.#reading = false;
      return answered();
    }
    if (this.#reading) return;
    if (this.source) return this.source();
    const { epoch, edge, head } = this.#host;
    const known = this.#epoch === epoch;
    if (known && this.#position > head) return this.#checkHead();
    if (known && this.#position > edge) return this.#host.afterFlush(this);
    if (known && this.#position === edge) return this.#isAhead(edge) ? this.#host.afterFlush(this) : this.#goLive();
    if (this.#crosses && this.#shared?.epoch !== epoch) return this.#askShared();
    const page = this.#host.page(this, known ? this.#position : 0);
    if (page instanceof Promise) this.#await(page, (read) => this.#take(read));
    else this.#take(page);
  }

  /** Whether entries above the edge are not pending for it. */
  #isAhead(edge: number): boolean {
    return this.#joinedAt.epoch === this.#host.epoch && edge < this.#joinedAt.offset;
  }

  #take(page: CatchupPage): void {
    const { epoch } = this.#host;
    // The log is ahead of what this hub has been told; it will be told.
    if (page.epoch !== epoch) return this.#host.afterFlush(this);
    // The epoch is newer than the question was: first the log must say how much of its past is this subscriber's.
    if (this.#crosses && this.#shared?.epoch !== epoch) return this.step();
    if (this.#fromEarliest) this.#noted = page.floor;
    this.#fromEarliest = false;
    const shared = this.#shared?.epoch === epoch ? this.#shared.offset : 0;
    const other = this.#epoch !== epoch;
    if (other || page.floor > Math.max(this.#position, this.#noted)) {
      if (other) this.#reset(this.#epoch === '' ? 'unknown' : 'epoch', shared, Math.max(shared, page.floor));
      else this.#reset('evicted', this.#position, page.floor);
      // At once: what follows the gap could be evicted before a turn of its own has come, and that were another gap.
      return this.step();
    }
    const empty = page.count === 0 || this.write(page);
    this.#delivered(page.count, page.bytes.length);
    this.#position = page.through;
    if (!empty) return;
    // Meeting the edge and going live must be one synchronous step: nothing can be flushed in between.
    if (this.#position === this.#host.edge) return this.step();
    this.#host.enqueue(this);
  }

  /** Tells the client of a gap and goes on after `offset`; events after `resumedAt` are not missing. */
  #reset(reason: ResetReason, offset: number, resumedAt: number): void {
    const { epoch, edge } = this.#host;
    // Its own position where it has one: it may have moved on since it came.
    const lastEventId = this.#epoch === '' ? this.#lastEventId! : this.position;
    // A second gap before the edge was met: this client cannot keep up, so it goes on from the edge.
    const again = this.#resets++ > 0;
    if (this.#lastEventId !== undefined) this.#host.wasResumed('reset');
    this.#epoch = epoch;
    this.#position = again ? edge : offset;
    this.#noted = again ? edge : resumedAt;
    this.#lastEventId = undefined;
    this.#shared = undefined;
    const reset = { reason, lastEventId, resumedAt: formatCursor(epoch, this.#noted) };
    this.#host.wasReset(reason);
    this.write(pieceOf(this.control.reset(this.position, reset)));
  }

  /** A position in another epoch: the log may know how much of it is its own past. */
  #askShared(): void {
    const take = (shared: Cursor): void => {
      // The log is ahead of what this hub has been told; it will be told.
      if (shared.epoch !== this.#host.epoch) return this.#host.afterFlush(this);
      this.#shared = shared;
      this.step();
    };
    const shared = this.#host.logResume({ epoch: this.#epoch, offset: this.#position });
    if (shared instanceof Promise) this.#await(shared, take);
    else take(shared);
  }

  /** A position above all that this hub has heard of: another node's entry on its way, or none of this log. */
  #checkHead(): void {
    const decide = (head: Cursor): void => {
      if (head.epoch !== this.#host.epoch || head.offset >= this.#position) return this.#host.afterFlush(this);
      this.#reset('unknown', head.offset, head.offset);
      if (!this.full) this.#host.enqueue(this);
    };
    const head = this.#host.logHead();
    if (head instanceof Promise) this.#await(head, decide);
    else decide(head);
  }

  #await<T>(answer: Promise<T>, take: (value: T) => void): void {
    this.#reading = true;
    answer.then(
      (value) => {
        // One answer may be for thousands: each takes it when its turn has come.
        this.#answered = () => take(value);
        if (!this.closed) this.#host.enqueue(this);
      },
      (error: unknown) => {
        this.#reading = false;
        if (!this.closed) this.#host.logFailed(this, error);
      },
    );
  }

  #fallBehind(position: number): void {
    this.live = false;
    this.#position = position;
    this.#epoch = this.#host.epoch;
    this.behindSince = this.#host.now();
  }

  #goLive(): void {
    this.live = true;
    if (this.#lastEventId !== undefined) this.#host.wasResumed('complete');
    this.#resets = 0;
    this.#lastEventId = undefined;
    this.#fromEarliest = false;
    this.#host.becameLive(this);
  }
}
