import type { MaybePromise } from '../log/log.js';
import { type Cursor, formatCursor } from '../protocol/cursor.js';
import type { ChannelName } from '../protocol/event.js';
import type { CatchupPage } from './catchup.js';
import type { Batch, Receiver } from './flush.js';
import { type ControlFrames, type Page, pieceOf, type Reset, type ResetReason } from './frames.js';
import type { Spoke } from './heartbeat.js';
import { afterHead, afterPage, type Gap, type Heard, nextStep, outdated, type Place, type Step } from './resume.js';
import type { CloseReason, Piece, Sink } from './sink.js';
import type { Start } from './start.js';

/** The part of a hub that a subscriber uses. */
export interface SubscriberHost extends Heard {
  now(): number;
  /** Counts heartbeat ticks: tells who has been written to lately. */
  readonly ticks: number;
  /** The longest silence on a connection in milliseconds. */
  readonly heartbeatMs: number;
  /** Steps the subscriber in a coming turn. */
  enqueue(subscriber: Subscriber): void;
  /** Steps the subscriber after the next flush or interruption. */
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
  /** Tells the client when to come back, and releases the subscriber. */
  dismiss(subscriber: Subscriber, reason: CloseReason): void;
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
  /** Set while a source writes. Called when the sink may have room. */
  source: (() => void) | undefined;
  /** Brings the present state in place of what is missing; set where the subscription has a snapshot. */
  snapshot: ((gap: Gap | undefined) => void) | undefined;
  /** When it began to be behind, and when it last took bytes; milliseconds since 1970. */
  behindSince: number;
  progressAt: number;

  /** Not moved while live: then the hub's edge is the position. */
  readonly #place: Place;
  #lastEventId: string | undefined;
  /** What the hub had heard of when it joined. */
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
    // In one order for equal sets: subscribers with equal channels share pages.
    this.channels = channels.length > 1 ? [...channels].sort() : channels;
    this.sink = sink;
    this.control = control;
    this.#place = start.place;
    this.#lastEventId = start.lastEventId;
    this.#joinedAt = { epoch: host.epoch, offset: host.head };
    this.behindSince = this.progressAt = host.now();
  }

  /** Names the channel set. */
  get key(): string {
    this.#key ||= this.channels.join('\n');
    return this.#key;
  }

  /** The cursor after everything that has been written. */
  get position(): string {
    return formatCursor(this.#place.epoch, this.live ? this.#host.edge : this.#place.offset);
  }

  /**
   * The cursor to begin with: where it starts, or what the client sent. Undefined if that is no cursor, or if the log's first page
   * must tell where `earliest` is.
   */
  get start(): string | undefined {
    const { epoch, fromEarliest, found } = this.#place;
    return epoch === '' || (fromEarliest && !found) ? undefined : this.position;
  }

  /** The cursor that a frame may tell the client now: only one of this log, and none while a source runs. */
  get cursor(): string | undefined {
    return this.source || this.#place.epoch !== this.#host.epoch ? undefined : this.start;
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

  /** Moves a live subscriber to catch-up, because the log may have skipped reports. */
  interrupt(edge: number): void {
    if (!this.live) return;
    this.#fallBehind(edge);
    if (!this.full) this.#host.enqueue(this);
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
    this.#act(nextStep(this.#place, this.#host, this.#joinedAt));
  }

  #act(step: Step): void {
    const host = this.#host;
    if (step.kind === 'live') this.#goLive();
    else if (step.kind === 'wait') host.afterFlush(this);
    else if (step.kind === 'again') this.step();
    else if (step.kind === 'gap') this.#tell(step);
    else if (step.kind === 'read') this.#ask(host.page(this, step.after), (page) => this.#take(page));
    else if (step.kind === 'head') this.#ask(host.logHead(), (head) => this.#act(afterHead(this.#place, head, host)));
    else if (step.kind === 'past')
      this.#ask(host.logResume({ epoch: this.#place.epoch, offset: this.#place.offset }), (shared) => {
        this.#place.shared = shared;
        this.step();
      });
  }

  #take(page: CatchupPage): void {
    const place = this.#place;
    if (place.fromEarliest && !place.found) {
      this.#beginAtEarliest(page);
      if (this.full) return;
    }
    const step = afterPage(place, page, this.#host);
    if (step.kind !== 'take') return this.#act(step);
    const empty = page.count === 0 || this.write(page);
    this.#delivered(page.count, page.bytes.length);
    place.offset = page.through;
    if (!empty) return;
    // Meeting the edge and going live must be one synchronous step: nothing can be flushed in between.
    if (place.offset === this.#host.edge) return this.step();
    this.#host.enqueue(this);
  }

  /**
   * The first page from `earliest` tells what there is. The client gets a cursor before the first entry only if all that follows
   * that cursor is there: with one below a floor it would come back to a reset for what was gone before it came.
   */
  #beginAtEarliest({ floor, floors, first, through }: CatchupPage): void {
    // The log may have a new epoch since the connection came.
    this.#place.epoch = this.#host.epoch;
    this.#place.found = floors ?? [];
    const isWhole = first === undefined || first > floor;
    if (isWhole) this.#place.offset = Math.min(floor, through);
    this.write(pieceOf(this.control.position(isWhole ? this.position : undefined, this.#host.heartbeatMs, floor > 0)));
  }

  /** Tells the client of a gap and goes on after it. */
  #tell(gap: Gap): void {
    if (this.snapshot) return this.takeSnapshot(gap);
    const { reason, offset, resumedAt } = gap;
    // Without control events a client cannot be told here; when it reconnects, it gets 409.
    if (!this.control.reset) return this.dismiss('gap');
    const { epoch, edge } = this.#host;
    // A second gap before the edge was met: this client cannot keep up, so it goes on from the edge.
    const again = this.#resets++ > 0;
    const told = again ? edge : resumedAt;
    const reset = this.lost(reason, { epoch, offset: told });
    this.goOn({ epoch, offset: again ? edge : offset }, told);
    this.write(pieceOf(this.control.reset(this.position, reset)));
    // At once: what follows the gap could be evicted before a turn of its own has come, which would cause a second gap.
    this.step();
  }

  /**
   * Takes a snapshot in place of what is missing, and one more if that is overtaken. After that this client cannot keep up: its
   * connection ends, and it may come back later.
   * @param gap - none for a client without a position
   */
  takeSnapshot(gap: Gap | undefined): void {
    if (this.#resets++ < 2) this.snapshot?.(gap);
    else this.dismiss('gap');
  }

  /** Counts a gap. @param resumedAt - nothing is missing after this @returns what to tell the client */
  lost(reason: ResetReason, resumedAt: Cursor): Reset {
    // Its own position where it has one: it may have moved on since it came.
    const lastEventId = this.#place.epoch === '' ? this.#lastEventId! : this.position;
    if (this.#lastEventId !== undefined) this.#host.wasResumed('reset');
    this.#lastEventId = undefined;
    this.#host.wasReset(reason);
    return { reason, lastEventId, resumedAt: formatCursor(resumedAt.epoch, resumedAt.offset) };
  }

  /** Goes on after a position. @param told - the client knows of all losses up to this offset */
  goOn({ epoch, offset }: Cursor, told = offset): void {
    const place = this.#place;
    place.epoch = epoch;
    place.offset = offset;
    place.told = told;
    place.found = place.shared = undefined;
    place.fromEarliest = false;
    this.behindSince = this.#host.now();
  }

  /** Ends the connection, telling the client when to come back. */
  dismiss(reason: CloseReason): void {
    this.#host.dismiss(this, reason);
  }

  /** Goes on with the log's answer. */
  #ask<T extends { readonly epoch: string }>(answer: MaybePromise<T>, take: (value: T) => void): void {
    const askedIn = this.#host.epoch;
    const decide = (value: T): void => {
      const step = outdated(value, this.#host, askedIn);
      if (step) this.#act(step);
      else take(value);
    };
    if (!(answer instanceof Promise)) return decide(answer);
    this.#reading = true;
    answer.then(
      (value) => {
        // One answer may be for thousands: each takes it when its turn has come.
        this.#answered = () => decide(value);
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
    this.#place.offset = position;
    this.#place.epoch = this.#host.epoch;
    this.behindSince = this.#host.now();
  }

  #goLive(): void {
    this.live = true;
    if (this.#lastEventId !== undefined) this.#host.wasResumed('complete');
    this.#resets = 0;
    this.#lastEventId = undefined;
    this.#place.found = undefined;
    this.#place.fromEarliest = false;
    this.#host.becameLive(this);
  }
}
