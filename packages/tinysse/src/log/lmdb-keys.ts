import { fingerprint, keyReused } from './keys.js';
import { type KeyRow, type LmdbStore, rowIn } from './lmdb-store.js';
import type { LogEvent } from './log.js';

/** How long and how many idempotency keys are remembered. */
export interface KeyLimits {
  readonly keyWindowMs: number;
  readonly maxKeys: number;
}

/** Oldest keys looked at per transaction beside twice those it adds. */
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

  constructor(store: LmdbStore, limits: KeyLimits, count: number, now: number) {
    this.#store = store;
    this.#limits = limits;
    this.count = count;
    this.#now = now;
  }

  /**
   * The offset that `event.key` stands for; undefined when it is new.
   * @throws SSEError KEY_REUSED when it stood for other content
   */
  find(event: LogEvent): number | undefined {
    if (event.key === undefined) return undefined;
    const known = this.#known(event.key);
    if (!known || this.#expired(known)) return undefined;
    if (known.fingerprint === fingerprint(event)) return known.offset;
    throw keyReused(event.key);
  }

  /** Remembers that `event.key` stands for the entry at `offset`. */
  remember(event: LogEvent, offset: number): void {
    if (event.key === undefined) return;
    const known = this.#known(event.key);
    if (known) this.#passed.add(known.offset);
    else this.count++;
    this.#added.delete(event.key);
    this.#added.set(event.key, { offset, time: this.#now, fingerprint: fingerprint(event) });
  }

  /** Forgets the oldest beyond the limits. */
  settle(): void {
    if (this.#added.size === 0) return;
    let left = SLICE + 2 * this.#added.size;
    for (const { key: offset, value: key } of this.#store.keyOrder.getRange({ start: 0 })) {
      if (this.#passed.has(offset)) continue;
      const known = rowIn(this.#store.keys, key);
      if (this.count <= this.#limits.maxKeys && known && !this.#expired(known)) return;
      if (left-- === 0) return;
      this.#passed.add(offset);
      this.#removed.add(key);
      this.count--;
    }
    for (const key of this.#added.keys()) {
      if (this.count <= this.#limits.maxKeys) return;
      this.#added.delete(key);
      this.#removed.add(key);
      this.count--;
    }
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

  #known(key: string): KeyRow | undefined {
    return this.#added.get(key) ?? (this.#removed.has(key) ? undefined : rowIn(this.#store.keys, key));
  }

  #expired({ time }: KeyRow): boolean {
    return time <= this.#now - this.#limits.keyWindowMs;
  }
}
