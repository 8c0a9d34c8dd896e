import { fingerprint, keyReused, keysFull } from './keys.js';
import { type KeyRow, type LmdbStore, rowIn } from './lmdb-store.js';
import type { LogEvent } from './log.js';

/** How long and how many idempotency keys are remembered. */
export interface KeyLimits {
  readonly keyWindowMs: number;
  readonly maxKeys: number;
}

/** Expired keys forgotten per transaction beside two for each key that it adds. */
const SLICE = 100;

/** What one transaction does to the idempotency keys. Every key has one row, and one in the order of offsets. */
export class KeyBatch {
  /** Keys remembered when the transaction is through. */
  count: number;
  readonly #store: LmdbStore;
  readonly #limits: KeyLimits;
  readonly #now: number;
  readonly #added = new Map<string, KeyRow>();
  readonly #removed = new Set<string>();
  readonly #passed = new Set<number>();
  /** Where the keys begin that have not been looked at; undefined when the rest has not expired. */
  #next: number | undefined = 0;

  constructor(store: LmdbStore, limits: KeyLimits, count: number, now: number) {
    this.#store = store;
    this.#limits = limits;
    this.count = count;
    this.#now = now;
  }

  /**
   * The offset that `event.key` stands for; undefined when it is new and there is room for it.
   * @throws SSEError KEY_REUSED when it stood for other content, LOG_KEYS_FULL
   */
  find(event: LogEvent): number | undefined {
    if (event.key === undefined) return undefined;
    const known = this.#known(event.key);
    if (known && !this.#expired(known)) {
      if (known.fingerprint === fingerprint(event)) return known.offset;
      throw keyReused(event.key);
    }
    this.#forget(this.#added.size === 0 ? SLICE : 2);
    if (this.count >= this.#limits.maxKeys && !this.#known(event.key)) throw keysFull();
    return undefined;
  }

  /** Remembers that `event.key`, which {@link find} has found new, stands for the entry at `offset`. */
  remember(event: LogEvent, offset: number): void {
    if (event.key === undefined) return;
    const known = this.#known(event.key);
    if (known) this.#passed.add(known.offset);
    else this.count++;
    this.#added.delete(event.key);
    this.#added.set(event.key, { offset, time: this.#now, fingerprint: fingerprint(event) });
  }

  /** Within the store's commit. */
  write(): void {
    const { keys, keyOrder } = this.#store;
    for (const offset of this.#passed) keyOrder.remove(offset);
    for (const key of this.#removed) keys.remove(key);
    for (const [key, row] of this.#added) {
      keys.put(key, row);
      keyOrder.put(row.offset, key);
    }
  }

  /** Forgets expired keys, the oldest first. */
  #forget(most: number): void {
    if (this.#next === undefined) return;
    let left = most;
    for (const { key: offset, value: key } of this.#store.keyOrder.getRange({ start: this.#next })) {
      if (!this.#passed.has(offset)) {
        const known = rowIn(this.#store.keys, key);
        if (known && !this.#expired(known)) break;
        if (left-- === 0) return;
        this.#passed.add(offset);
        this.#removed.add(key);
        this.count--;
      }
      this.#next = offset + 1;
    }
    this.#next = undefined;
  }

  #known(key: string): KeyRow | undefined {
    return this.#added.get(key) ?? (this.#removed.has(key) ? undefined : rowIn(this.#store.keys, key));
  }

  #expired({ time }: KeyRow): boolean {
    return time <= this.#now - this.#limits.keyWindowMs;
  }
}
