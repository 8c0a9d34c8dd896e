import type { SSEError } from '../errors.js';
import type { Cursor } from '../protocol/cursor.js';
import { keyReused, keysFull } from './keys.js';
import type { LogEvent } from './log.js';
import { elapsed, unavailable } from './redis-link.js';
import { type Appended, KEYS_FULL } from './redis-store.js';
import { StoppedSeries } from './series.js';

/** How long an event waits to be sent: within a publish's deadline of 5 s. */
const PATIENCE_MS = 4_000;
/** What one script call carries at most, so that it does not hold Redis for long. */
const MAX_EVENTS = 256;
const MAX_BYTES = 512 * 2 ** 10;
const MAX_CHANNELS = 2_048;

interface Pending {
  readonly event: LogEvent;
  readonly until: number;
  resolve(cursor: Cursor): void;
  reject(error: unknown): void;
}

/**
 * Events on their way into the log. One call is under way at a time, and what comes meanwhile goes with the next: so
 * one node's events keep their order, and under load a round trip carries many.
 */
export class Appends {
  readonly #store: (events: readonly LogEvent[], until: number) => Promise<Appended>;
  readonly #stored: (appended: Appended) => Promise<void> | undefined;
  readonly #stopped = new StoppedSeries();
  #queue: Pending[] = [];
  #sending: Promise<void> | undefined;

  /**
   * @param store - stores a batch
   * @param stored - learns what has been stored; the events are answered when its promise resolves
   */
  constructor(
    store: (events: readonly LogEvent[], until: number) => Promise<Appended>,
    stored: (appended: Appended) => Promise<void> | undefined,
  ) {
    this.#store = store;
    this.#stored = stored;
  }

  add(event: LogEvent): Promise<Cursor> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, until: elapsed() + PATIENCE_MS, resolve, reject });
      this.#sending ??= this.#send();
    });
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #send(): Promise<void> {
    // What the caller's turn adds goes together.
    await Promise.resolve();
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) await this.#sendBatch(batch);
    // Synchronously after the queue was found empty: what is added later starts anew.
    this.#sending = undefined;
  }

  /** Stores a batch; never rejects. */
  async #sendBatch(batch: readonly Pending[]): Promise<void> {
    try {
      const events = batch.map(({ event }) => event);
      const appended = await this.#store(events, batch[0]!.until);
      void this.#answer(batch, appended);
    } catch (error) {
      for (const { event, reject } of batch) {
        this.#stopped.stop(event, error);
        reject(error);
      }
    }
  }

  async #answer(batch: readonly Pending[], appended: Appended): Promise<void> {
    const { epoch } = appended.batch;
    const full = keysFull();
    // Before the next call is made of what waits.
    for (const [i, { event }] of batch.entries())
      if (appended.offsets[i] === KEYS_FULL) this.#stopped.stop(event, full);
    await this.#stored(appended);
    for (const [i, { event, resolve, reject }] of batch.entries()) {
      const offset = appended.offsets[i]!;
      if (offset > 0) resolve({ epoch, offset });
      else if (offset === KEYS_FULL) reject(full);
      else reject(keyReused(event.key as string));
    }
  }

  #take(): Pending[] {
    const now = elapsed();
    const batch: Pending[] = [];
    let [passed, bytes, channels] = [0, 0, 0];
    for (const pending of this.#queue) {
      const { event, until, reject } = pending;
      const problem = this.#stopped.problem(event) ?? (until <= now ? late() : undefined);
      if (problem) {
        this.#stopped.stop(event, problem);
        reject(problem);
        passed++;
        continue;
      }
      bytes += event.size;
      channels += event.channels.length;
      const count = batch.length;
      if (count > 0 && (count === MAX_EVENTS || bytes > MAX_BYTES || channels > MAX_CHANNELS)) break;
      batch.push(pending);
      passed++;
    }
    this.#queue.splice(0, passed);
    return batch;
  }
}

const late = (): SSEError => unavailable('Redis has not taken events for too long', 'rejected');
