import { systemClock as clock } from '../clock.js';
import type { SSEError } from '../errors.js';
import type { Cursor } from '../protocol/cursor.js';
import type { LogWatcher } from './log.js';
import { elapsed, type Link } from './redis-link.js';
import type { Batch, Store } from './redis-store.js';

/** How long Redis holds a read of the tail open, and how long an append waits for the tail before it asks. */
const POLL_MS = 1_000;
/** The first pause after a failure; each further one doubles it. */
const RETRY_MS = 50;

/** An append that is stored, but of which watchers have not been told. */
interface Waiter {
  readonly at: Cursor;
  /** By {@link elapsed}. */
  readonly since: number;
  done(): void;
}

/**
 * Follows the tail and reports to watchers: every entry of every node, in order, or that some may have passed. What it
 * trusts is the chain: each batch names its epoch and the offset before it. A break in the chain, or a look at the
 * log that the tail does not explain, is reported as an interruption.
 */
export class Reader {
  readonly #store: Store;
  /** Holds the open reads. */
  readonly #link: Link;
  /** Answers when the reader's own link does not. */
  readonly #other: Link;
  readonly #watchers: ReadonlySet<LogWatcher>;
  /** Up to here everything has been reported, or an interruption in its place. */
  #position: Cursor;
  #waiting: Waiter[] = [];
  #watching = false;
  #asking = false;
  #stopped = false;
  /** Why nothing may be stored on this server. */
  problem: SSEError | undefined;

  constructor(store: Store, link: Link, other: Link, watchers: ReadonlySet<LogWatcher>, start: Cursor) {
    this.#store = store;
    this.#link = link;
    this.#other = other;
    this.#watchers = watchers;
    this.#position = start;
    void this.#run();
  }

  get position(): Cursor {
    return this.#position;
  }

  /** Takes a batch from elsewhere, if it is the next. A node need not wait for its own entries to come back. */
  offer(batch: Batch): void {
    if (this.#follows(batch)) this.#report(batch);
  }

  /** Resolves when watchers have been told of everything up to `at`, or of an interruption; undefined: they have. */
  heard(at: Cursor): Promise<void> | undefined {
    if (this.#stopped || this.#reached(at)) return undefined;
    return new Promise((done) => {
      this.#waiting.push({ at, since: elapsed(), done });
      if (at.epoch === this.#position.epoch) this.#watch();
      else void this.#ask();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#release();
  }

  async #run(): Promise<void> {
    let connection = this.#link.made;
    /** What the last look saw; the tail must explain it. */
    let seen = this.#position;
    let pause = RETRY_MS;
    let checked = elapsed();
    while (!this.#stopped) {
      try {
        // Settings of Redis may change at any time.
        if (connection !== this.#link.made || elapsed() - checked >= POLL_MS) {
          this.problem = await this.#store.problem(this.#link);
          if (this.problem) throw this.problem;
          checked = elapsed();
        }
        if (connection !== this.#link.made) {
          seen = await this.#compare();
          connection = this.#link.made;
          pause = RETRY_MS;
        }
        const { epoch, offset } = this.#position;
        const batches = await this.#store.next(this.#link, offset, POLL_MS);
        if (this.#stopped) return;
        for (const batch of batches) this.#take(batch, epoch);
        if (batches.length > 0) continue;
        // Nothing came, so what was there before the wait should have been reported by now.
        if (seen.epoch === this.#position.epoch && seen.offset > this.#position.offset) this.#skip(seen);
        seen = await this.#compare();
      } catch {
        if (this.#stopped) return;
        connection = -1;
        // A server that refuses may not be the one to ask any more.
        this.#link.suspect();
        await new Promise<void>((resolve) => clock.after(pause, resolve));
        pause = Math.min(pause * 2, POLL_MS);
      }
    }
  }

  /** @param asked - the epoch in which it was asked for: an answer to an older question tells nothing new */
  #take(batch: Batch, asked: string): void {
    const { epoch, offset } = this.#position;
    if (this.#follows(batch)) this.#report(batch);
    else if (asked !== epoch || (batch.epoch === epoch && batch.through <= offset)) return;
    else {
      this.#skip({ epoch: batch.epoch, offset: batch.after });
      this.#report(batch);
    }
  }

  #follows({ epoch, after }: Batch): boolean {
    return epoch === this.#position.epoch && after === this.#position.offset;
  }

  #report(batch: Batch): void {
    for (const entry of batch.through > batch.after ? batch.entries() : [])
      for (const watcher of this.#watchers) watcher.committed(entry);
    this.#position = { epoch: batch.epoch, offset: batch.through };
    this.#release();
  }

  /** Looks at the log; goes there at once if following the tail cannot lead there. */
  async #compare(link = this.#link): Promise<Cursor> {
    const before = this.#position;
    const look = await this.#store.look(link);
    const moved = this.#position.epoch !== before.epoch;
    if (!moved && (look.epoch !== before.epoch || look.offset < before.offset)) this.#skip(look);
    return look;
  }

  #skip({ epoch, offset }: Cursor): void {
    if (this.#stopped) return;
    this.#position = { epoch, offset };
    for (const watcher of this.#watchers) watcher.interrupted({ epoch, offset });
    this.#release();
  }

  #reached({ epoch, offset }: Cursor): boolean {
    return epoch === this.#position.epoch && offset <= this.#position.offset;
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (this.#stopped || this.#reached(waiter.at)) waiter.done();
      else this.#waiting.push(waiter);
    }
  }

  /** Sees to it that nobody waits long for a tail that does not come. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    clock.after(POLL_MS, () => {
      this.#watching = false;
      const [first] = this.#waiting;
      if (this.#stopped || !first) return;
      if (elapsed() - first.since >= POLL_MS) void this.#ask();
      else this.#watch();
    });
  }

  /** Asks the log itself where it stands, and goes there: everyone who has waited so far has then been answered. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const waiting = new Set(this.#waiting);
    const { epoch } = this.#position;
    try {
      const look = await this.#compare(this.#other);
      // The reader has been following another log, perhaps on another server.
      if (look.epoch !== epoch) this.#link.renew();
      if (look.epoch === this.#position.epoch && look.offset > this.#position.offset) this.#skip(look);
      // What is of yet another epoch belongs to the past that the look has not found.
      this.#waiting = this.#waiting.filter((waiter) => !waiting.has(waiter));
      for (const { done } of waiting) done();
    } catch {
      // Not told yet, so not answered yet.
    } finally {
      this.#asking = false;
      if (this.#waiting.length > 0) this.#watch();
    }
  }
}
