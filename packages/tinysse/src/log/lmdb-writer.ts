/// <reference types="node" />
import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import type { Cursor } from '../protocol/cursor.js';
import { type ChannelName, MAX_KEY_BYTES } from '../protocol/event.js';
import { Batch, type Committed, type LmdbLimits } from './lmdb-batch.js';
import { unavailable } from './lmdb-errors.js';
import { Horizon, readPage } from './lmdb-page.js';
import { type LmdbStore, rowIn } from './lmdb-store.js';
import type { LogChannel, LogEvent, LogPage, LogQuery, LogStats, LogWatcher } from './log.js';
import { LogTime } from './log-time.js';
import { StoppedSeries } from './series.js';

/**
 * What goes into one transaction at most; the rest waits for the next. A thousand links, each of a new channel for which another is
 * forgotten, take about 30 ms, in which nothing else runs.
 */
const MAX_EVENTS = 1_000;
const MAX_LINKS = 2_000;
const MAX_BYTES = 2 ** 20;
/** A publisher, a NUL and a key. */
const LONGEST_KEY = 2 * MAX_KEY_BYTES + 1;
/** How often a log without publishes removes what has expired. */
const SWEEP_MS = 10_000;

interface Waiting {
  readonly event: LogEvent;
  accept(cursor: Cursor): void;
  reject(error: unknown): void;
}

/** An open log: one transaction at a time, each taking all that waits. */
export class LmdbWriter {
  readonly #store: LmdbStore;
  readonly #watchers: ReadonlySet<LogWatcher>;
  readonly #committed: Committed;
  readonly #horizon: Horizon;
  readonly #limits: LmdbLimits;
  readonly #clock: Clock;
  readonly #time: LogTime;
  readonly #stopped = new StoppedSeries();
  #queue: Waiting[] = [];
  #busy = false;
  #backlog = true;
  /** Set by an error after which the log must be opened anew. */
  #broken: SSEError | undefined;
  readonly #failed: (error: SSEError) => void;
  #cancelSweep = (): void => {};
  #idle = (): void => {};
  #closing = false;

  /** @param failed - called once, when the log can no longer be used and must be closed */
  constructor(
    store: LmdbStore,
    limits: LmdbLimits,
    clock: Clock,
    watchers: ReadonlySet<LogWatcher>,
    failed: (error: SSEError) => void,
  ) {
    this.#failed = failed;
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
    this.#watchers = watchers;
    this.#committed = { store, meta: store.meta, channels: store.known, held: new Map() };
    this.#horizon = new Horizon(store);
    this.#time = new LogTime(clock, store.meta.time, store.meta.ahead);
    this.#sweep();
  }

  get head(): Cursor {
    const { epoch, head } = this.#committed.meta;
    return { epoch, offset: head };
  }

  append(event: LogEvent): Promise<Cursor> {
    return new Promise((accept, reject) => {
      if (this.#broken) return reject(unavailable(this.#broken));
      // Whoever appends has checked the key; but one that LMDB refuses would leave half a transaction.
      const { key } = event;
      if (key !== undefined && (key === '' || key.length > LONGEST_KEY)) return reject(badKey());
      this.#queue.push({ event, accept, reject });
      this.#pump();
    });
  }

  read(query: LogQuery): LogPage {
    return readPage(this.#store, this.#committed.meta.epoch, query, this.#expired());
  }

  channels(names: readonly ChannelName[]): LogChannel[] {
    const nothing = { after: 0, upTo: 0, maxEvents: 1, maxBytes: 1 };
    return names.map((name) => ({
      offset: rowIn(this.#store.channels, name)?.last ?? 0,
      floor: this.read({ channels: [name], ...nothing }).floor,
    }));
  }

  /** What is on disk, expired or not. @throws SSEError LOG_UNAVAILABLE, LOG_LOCKED when the directory is no longer this log's */
  stats(): LogStats {
    this.#check();
    const { events, bytes } = this.#committed.meta;
    return { events, bytes, channels: this.#committed.channels.size };
  }

  /** Commits what waits, then closes the store. */
  async close(): Promise<void> {
    this.#cancelSweep();
    this.#closing = true;
    this.#backlog = false;
    if (this.#busy) await new Promise<void>((idle) => (this.#idle = idle));
    await this.#store.close();
  }

  #expired(): number {
    return this.#horizon.at(this.#time.now() - this.#limits.maxAgeMs);
  }

  #sweep(): void {
    this.#backlog = true;
    this.#pump();
    this.#cancelSweep = this.#clock.after(SWEEP_MS, () => {
      try {
        this.#check();
        this.#sweep();
      } catch {
        // The log has broken.
      }
    });
  }

  #check(): void {
    try {
      if (!this.#broken) return this.#store.check();
    } catch (error) {
      this.#break(error as SSEError);
    }
    throw unavailable(this.#broken);
  }

  #pump(): void {
    if (this.#busy || this.#broken) return;
    this.#busy = true;
    // After this turn's callbacks, so that whatever they publish shares the commit.
    setImmediate(() => {
      this.#transact().then(() => {
        this.#busy = false;
        if (this.#broken) this.#end();
        else if (this.#queue.length > 0 || this.#backlog) this.#pump();
        else this.#idle();
      });
    });
  }

  /** One transaction. */
  async #transact(): Promise<void> {
    const taken = this.#take();
    const answers: { offset: number; waiting: Waiting }[] = [];
    let batch: Batch;
    try {
      batch = new Batch(this.#committed, this.#limits, this.#time);
      for (const waiting of taken) {
        const { event, reject } = waiting;
        try {
          const problem = this.#stopped.problem(event);
          if (problem) throw problem;
          answers.push({ offset: batch.add(event), waiting });
        } catch (error) {
          this.#stopped.stop(event, error);
          reject(error);
        }
      }
      batch.settle(this.#expired());
      const bytes = taken.reduce((sum, { event }) => sum + event.size, 0);
      if (!batch.empty) await this.#store.commit(batch.meta, bytes, () => batch.write());
    } catch (error) {
      this.#committed.held.clear();
      this.#backlog = false;
      const told = error instanceof SSEError ? error : unavailable(error);
      if (told.code !== 'LOG_FULL') this.#break(told);
      const { epoch, head } = this.#committed.meta;
      // A key that stands for an event on disk is answered all the same: its publisher must not take it for refused.
      for (const { offset, waiting } of answers) if (offset <= head) waiting.accept({ epoch, offset });
      for (const { event, reject } of taken) {
        this.#stopped.stop(event, told);
        reject(told);
      }
      return;
    }
    batch.apply();
    this.#backlog = batch.unfinished;
    for (const entry of batch.entries) for (const watcher of this.#watchers) watcher.committed(entry);
    const { epoch } = this.#committed.meta;
    for (const { offset, waiting } of answers) waiting.accept({ epoch, offset });
  }

  #take(): Waiting[] {
    let links = 0;
    let bytes = 0;
    let count = 0;
    for (const { event } of this.#queue) {
      links += event.channels.length;
      bytes += event.size;
      if (count > 0 && (count === MAX_EVENTS || links > MAX_LINKS || bytes > MAX_BYTES)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #break(error: SSEError): void {
    if (this.#broken) return;
    this.#broken = error;
    this.#cancelSweep();
    for (const { reject } of this.#queue) reject(unavailable(error));
    this.#queue = [];
    if (!this.#busy) this.#end();
  }

  /** Nothing is under way, and nothing will be. */
  #end(): void {
    this.#idle();
    if (!this.#closing) this.#failed(this.#broken as SSEError);
  }
}

const badKey = (): SSEError =>
  new SSEError('INVALID_KEY', `a key must have 1 to ${LONGEST_KEY} bytes`, { outcome: 'rejected' });
