import { MAX_OFFSET } from './lmdb-codec.js';
import { type LmdbStore, rowIn } from './lmdb-store.js';
import type { LogEntry, LogPage, LogQuery } from './log.js';
import { Merge, type Run } from './merge.js';

/**
 * The highest offset that entries older than a time have: what has expired is not read, whether or not it has been
 * removed yet. Remembers its last answer, since entries only grow older.
 */
export class Horizon {
  readonly #store: LmdbStore;
  #offset = 0;
  /** The time of the first entry after it, if there is one. */
  #next: number | undefined;

  constructor(store: LmdbStore) {
    this.#store = store;
  }

  /** @param oldest - the time that an entry must have at least */
  at(oldest: number): number {
    if (oldest <= 0 || (this.#next !== undefined && this.#next >= oldest)) return this.#offset;
    const store = this.#store;
    let low = this.#offset + 1;
    let first = store.timeFrom(low);
    // The first entry decides, except after a long time without a look: then halve what may have expired.
    for (let step = 1; first && first.time < oldest; step *= 2) {
      low = first.offset + 1;
      first = store.timeFrom(low + step);
    }
    let high = first?.offset ?? (store.last() ?? 0) + 1;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const found = store.timeFrom(middle);
      if (!found || found.time >= oldest) high = middle;
      else low = found.offset + 1;
    }
    this.#offset = low - 1;
    this.#next = store.timeFrom(low)?.time;
    return this.#offset;
  }
}

/** A channel's offsets in a range of the index. */
class Offsets implements Run {
  readonly #offsets: Iterator<number>;
  offset = 0;

  constructor(range: Iterable<number>) {
    this.#offsets = range[Symbol.iterator]();
    this.advance();
  }

  advance(): void {
    const { done, value } = this.#offsets.next();
    this.offset = done ? Number.POSITIVE_INFINITY : value;
  }

  close(): void {
    this.#offsets.return?.();
  }
}

/** Reads a page. @param horizon - entries up to this offset have expired */
export function readPage(store: LmdbStore, epoch: string, query: LogQuery, horizon: number): LogPage {
  const { channels, maxEvents, maxBytes } = query;
  const after = Math.min(query.after, MAX_OFFSET);
  const upTo = Math.min(query.upTo, MAX_OFFSET);
  const runs: Offsets[] = [];
  const floors: number[] = [];
  try {
    for (const name of channels) {
      const row = rowIn(store.channels, name);
      if (row) {
        const expired = horizon > row.floor ? store.lastOf(row.id, row.floor, horizon) : undefined;
        const own = expired ?? row.floor;
        floors.push(own);
        const from = Math.max(after, own) + 1;
        if (row.last >= from && from <= upTo) runs.push(new Offsets(store.offsetsOf(row.id, from, upTo)));
      } else floors.push(store.base());
    }
    const entries: LogEntry[] = [];
    /** The highest offset whose entry is lost, however that came: better said than hidden, and no reason to refuse the rest. */
    let lost = 0;
    const page = (through: number): LogPage => {
      const told = lost > 0 ? floors.map((floor) => Math.max(floor, lost)) : floors;
      return { epoch, floor: Math.max(0, ...told), floors: told, entries, through };
    };
    let bytes = 0;
    const merge = new Merge(runs);
    for (let run = merge.lowest; run; run = merge.lowest) {
      const { offset } = run;
      if (entries.length === maxEvents) return page(entries[entries.length - 1]!.offset);
      const entry = store.entry(offset);
      if (entry) {
        bytes += entry.size;
        if (bytes > maxBytes && entries.length > 0) return page(entries[entries.length - 1]!.offset);
        entries.push(entry);
      } else lost = offset;
      merge.advance();
    }
    return page(query.upTo);
  } finally {
    // A cursor left open would keep its snapshot, and with it every page freed since.
    for (const run of runs) run.close();
  }
}
