import { type Clock, inTime } from '../clock.js';
import { SSEError } from '../errors.js';
import { type Cursor, formatCursor } from '../protocol/cursor.js';
import type { HubObserver } from './observer.js';
import type { Gap } from './resume.js';
import { runSource, type Source } from './source.js';
import type { Subscriber } from './subscriber.js';
import { Turns } from './turns.js';

/**
 * Gives the present state as events, for a client that has no position to continue from: one that is new, or one that has missed
 * events. Everything that was published before the call must be in it. What is published meanwhile may be in it, and follows it.
 */
export type Snapshot = () => Source | Promise<Source>;

/** What became of snapshots. */
export interface SnapshotCounts {
  /** Snapshots that were written whole, and that failed. */
  complete: number;
  failed: number;
  /** Snapshots that are being made, and that wait for their turn. */
  running: number;
  waiting: number;
}

export interface SnapshotOptions {
  readonly clock: Clock;
  readonly limits: {
    /** Snapshots that are made at once; one that waits for its client does not count. */
    readonly snapshots: number;
    /** Milliseconds that a snapshot may take for its first event, and for each one after it. */
    readonly snapshotTimeoutMs: number;
  };
  /** Receives what cannot be told to a client. */
  readonly logger: (...args: unknown[]) => void;
  readonly observer: HubObserver;
  readonly heartbeatMs: number;
}

/** The snapshots of a hub. */
export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #head: () => Cursor;
  readonly #turns: Turns;
  #complete = 0;
  #failed = 0;

  /** @param head - the last that the hub has heard of: a snapshot that begins now contains all up to there */
  constructor(options: SnapshotOptions, head: () => Cursor) {
    this.#options = options;
    this.#head = head;
    this.#turns = new Turns(options.limits.snapshots);
  }

  get counts(): SnapshotCounts {
    const { taken: running, waiting } = this.#turns;
    return { complete: this.#complete, failed: this.#failed, running, waiting };
  }

  /**
   * Writes a snapshot and lets the subscriber go on after the position at which it began. Until that position follows it, no
   * frame has an id: a client that is cut half-way comes back as it came, and gets all of it.
   * @param gap - what it stands in for; none for a new client
   * @returns stops it
   */
  take(subscriber: Subscriber, snapshot: Snapshot, gap: Gap | undefined): () => void {
    const { clock, limits, logger, observer, heartbeatMs } = this.#options;
    const { control } = subscriber;
    let start: Cursor;
    let began = 0;
    const late = (): never => {
      throw new SSEError('SNAPSHOT_TIMEOUT', `the snapshot gave nothing for ${limits.snapshotTimeoutMs} ms`);
    };
    return runSource(subscriber, {
      clock,
      turns: this.#turns,
      inTime: (value) => inTime(value, limits.snapshotTimeoutMs, clock, late),
      open: () => {
        start = this.#head();
        began = performance.now();
        return snapshot();
      },
      begun() {
        const reset = gap && subscriber.lost(gap.reason, start);
        const text = reset ? control.reset!(undefined, reset) : '';
        subscriber.note(text + control.snapshot!(gap?.reason ?? 'start'));
      },
      done: (error) => {
        observer.snapshotTaken?.(performance.now() - began, error);
        if (error !== undefined) {
          this.#failed++;
          logger('a snapshot failed', error);
          return subscriber.dismiss('failed');
        }
        this.#complete++;
        subscriber.goOn(start);
        subscriber.note(control.position(formatCursor(start.epoch, start.offset), heartbeatMs));
        subscriber.step();
      },
    });
  }
}
