import type { ChannelName } from '../protocol/event.js';
import type { Retention } from './history.js';
import { type EntryHead, rowOf } from './lmdb-codec.js';
import { KeyBatch, type KeyLimits } from './lmdb-keys.js';
import type { ChannelRow, LmdbStore, Meta } from './lmdb-store.js';
import type { LogEntry, LogEvent } from './log.js';
import type { LogTime } from './log-time.js';

export type LmdbLimits = Retention & KeyLimits;

/** What an entry costs beside its text, as memoryLog counts. */
const ENTRY_OVERHEAD_BYTES = 128;

/**
 * Evictions per transaction beside those that what it adds calls for. A backlog (a limit was lowered, the log was
 * closed for a day) goes in slices of this size, so that publishes pass between.
 */
const SLICE = 1_000;

/** A channel as the transaction leaves it. */
interface Row extends ChannelRow {
  /** Offsets that this transaction has added to it, and not evicted. */
  readonly added: number[];
}

/** What is committed, as the one writer knows it. */
export interface Committed {
  readonly store: LmdbStore;
  readonly meta: Meta;
  /** By latest use: the first is the one longest silent. */
  readonly channels: Map<ChannelName, ChannelRow>;
  /** Entries that some of their channels have evicted. Batches change it at once, so a commit that fails empties it. */
  readonly held: Map<number, Held>;
}

/**
 * How many channels still hold an entry. The last of them removes it. Their floors say who holds it, and are looked at once: a
 * thousand channels may evict an entry of a thousand channels, one after the other.
 */
interface Held {
  readonly size: number;
  left: number;
}

/** More are forgotten, and counted anew when they are asked for. */
const MAX_HELD = 10_000;

/**
 * One transaction, worked out in memory from what is committed: events are added, {@link settle} evicts what goes for
 * them. Nothing has happened before {@link write} is committed; then {@link apply} makes it what is committed.
 */
export class Batch {
  /** Entries accepted, in order, even if they do not stay. */
  readonly entries: LogEntry[] = [];
  /** Whether more is to be evicted than fits into one transaction. */
  unfinished = false;
  readonly meta: Meta;
  readonly #committed: Committed;
  readonly #limits: LmdbLimits;
  readonly #keys: KeyBatch;
  readonly #rows = new Map<ChannelName, Row>();
  readonly #touched = new Set<ChannelName>();
  readonly #forgotten = new Set<ChannelName>();
  readonly #kept = new Map<number, LogEntry>();
  readonly #unlinked: [id: number, offset: number][] = [];
  readonly #removed = new Set<number>();
  #budget = SLICE;
  #evicted = 0;

  constructor(committed: Committed, limits: LmdbLimits, clock: LogTime) {
    const time = clock.now();
    committed.store.refresh();
    this.#committed = committed;
    this.#limits = limits;
    this.meta = { ...committed.meta, serial: committed.meta.serial + 1, time, ahead: clock.ahead };
    this.#keys = new KeyBatch(committed.store, limits, committed.meta.keys, time);
  }

  /** Whether there is anything to commit. */
  get empty(): boolean {
    const { meta } = this.#committed;
    // How far time is ahead must be known after a restart, or the log's time would stand still until then.
    return this.entries.length === 0 && this.#evicted === 0 && (meta.ahead ?? 0) === this.meta.ahead;
  }

  /** Adds an event. @returns its offset, or that of the first event with its key @throws SSEError KEY_REUSED, LOG_KEYS_FULL */
  add(event: LogEvent): number {
    const known = this.#keys.find(event);
    if (known !== undefined) return known;
    const { meta } = this;
    const offset = ++meta.head;
    const { channels, data, size } = event;
    const entry: LogEntry = { offset, time: meta.time, channels, event: event.event, data, size };
    this.entries.push(entry);
    this.#kept.set(offset, entry);
    this.#keys.remember(event, offset);
    meta.events++;
    meta.bytes += size + ENTRY_OVERHEAD_BYTES;
    this.#budget += channels.length + Math.ceil(size / ENTRY_OVERHEAD_BYTES) + 1;
    for (const name of channels) {
      const row = this.#row(name);
      row.last = offset;
      row.count++;
      row.added.push(offset);
      this.#touched.delete(name);
      this.#touched.add(name);
    }
    return offset;
  }

  /** Evicts what is beyond the limits, and what is older than `horizon`. */
  settle(horizon: number): void {
    const { meta } = this;
    const { maxEventsPerChannel, maxBytes } = this.#limits;
    meta.keys = this.#keys.count;
    for (const name of this.#touched) this.#trim(name, maxEventsPerChannel);
    this.#forgetChannels();
    if (meta.bytes <= maxBytes && (this.#committed.store.firstFrom(0) ?? horizon + 1) > horizon) return;
    for (const offset of this.#oldest()) {
      if (offset > horizon && meta.bytes <= maxBytes) return;
      if (this.#evicted >= this.#budget) {
        this.unfinished = true;
        return;
      }
      this.#evictEverywhere(offset);
    }
  }

  /** Within the store's commit. */
  write(): void {
    const { store } = this.#committed;
    for (const [offset, entry] of this.#kept) store.entries.put(offset, rowOf(entry));
    for (const offset of this.#removed) store.entries.remove(offset);
    for (const [id, offset] of this.#unlinked) store.index.remove([id, offset]);
    for (const name of this.#forgotten) store.channels.remove(name);
    for (const [name, { id, floor, last, count, added }] of this.#rows) {
      for (const offset of added) store.link(id, offset);
      store.channels.put(name, { id, floor, last, count });
    }
    this.#keys.write();
  }

  /** After the commit. */
  apply(): void {
    const { meta, channels } = this.#committed;
    Object.assign(meta, this.meta);
    for (const name of this.#forgotten) channels.delete(name);
    for (const [name, { id, floor, last, count }] of this.#rows) channels.set(name, { id, floor, last, count });
    // Those that got events move to the end of the order; those that only lost some keep their place.
    for (const name of this.#touched) {
      const row = channels.get(name) as ChannelRow;
      channels.delete(name);
      channels.set(name, row);
    }
  }

  /** A channel's row to change, made if the channel is not known. */
  #row(name: ChannelName): Row {
    let row = this.#rows.get(name);
    if (row) return row;
    const known = this.#committed.channels.get(name);
    const fresh = (): ChannelRow => ({ id: this.meta.nextChannel++, floor: this.meta.base, last: 0, count: 0 });
    row = { ...(known ?? fresh()), added: [] };
    this.#rows.set(name, row);
    return row;
  }

  #knows(name: ChannelName): boolean {
    return this.#rows.has(name) || (this.#committed.channels.has(name) && !this.#forgotten.has(name));
  }

  #floor(name: ChannelName): number {
    const known = this.#forgotten.has(name) ? undefined : this.#committed.channels.get(name);
    return (this.#rows.get(name) ?? known)?.floor ?? this.meta.base;
  }

  /** Evicts a channel's oldest entries until `most` are left. @returns false when not all fit into this transaction */
  #trim(name: ChannelName, most: number): boolean {
    const row = this.#row(name);
    const excess = Math.min(row.count - most, this.#budget - this.#evicted);
    if (excess > 0) {
      const { store } = this.#committed;
      const offsets = [...store.offsetsOf(row.id, row.floor + 1, this.#committed.meta.head, excess)];
      for (const offset of offsets) this.#unlinked.push([row.id, offset]);
      offsets.push(...row.added.splice(0, excess - offsets.length));
      for (const offset of offsets) {
        this.#lift(row, offset);
        this.#release(offset);
      }
    }
    if (row.count <= most) return true;
    this.unfinished = true;
    return false;
  }

  #forgetChannels(): void {
    const { channels } = this.#committed;
    let known = channels.size;
    for (const name of this.#rows.keys()) if (!channels.has(name)) known++;
    if (known <= this.#limits.maxChannels) return;
    for (const name of this.#bySilence()) {
      if (!this.#trim(name, 0)) return;
      this.meta.base = Math.max(this.meta.base, this.#row(name).last);
      this.#rows.delete(name);
      this.#touched.delete(name);
      this.#forgotten.add(name);
      if (--known <= this.#limits.maxChannels) return;
    }
  }

  /** The channels, the one longest silent first. */
  *#bySilence(): Iterable<ChannelName> {
    for (const name of this.#committed.channels.keys()) if (!this.#touched.has(name)) yield name;
    yield* [...this.#touched];
  }

  /** The offsets of the entries that are left, lowest first. */
  *#oldest(): Iterable<number> {
    for (const offset of this.#committed.store.offsets()) if (!this.#removed.has(offset)) yield offset;
    yield* [...this.#kept.keys()];
  }

  /** The oldest entry of all leaves every channel that still holds it, where it is the oldest too. */
  #evictEverywhere(offset: number): void {
    const entry = this.#head(offset);
    this.#evicted++;
    for (const name of entry?.channels ?? []) {
      // A channel that is not known holds nothing.
      if (!this.#knows(name) || this.#floor(name) >= offset) continue;
      const row = this.#row(name);
      if (row.added[0] === offset) row.added.shift();
      else this.#unlinked.push([row.id, offset]);
      this.#lift(row, offset);
    }
    this.#remove(offset, entry?.size ?? 0);
  }

  #lift(row: Row, offset: number): void {
    row.floor = offset;
    row.count--;
    this.#evicted++;
  }

  /** A channel has evicted an entry: removes it if that was the last channel. */
  #release(offset: number): void {
    const { held } = this.#committed;
    let entry = held.get(offset);
    if (entry) entry.left--;
    else {
      const head = this.#head(offset);
      if (!head) return;
      entry = { size: head.size, left: head.channels.filter((name) => this.#floor(name) < offset).length };
      if (held.size === MAX_HELD) held.clear();
      held.set(offset, entry);
    }
    if (entry.left === 0) this.#remove(offset, entry.size);
  }

  /** Undefined for a row that cannot be read, which no channel holds for long. */
  #head(offset: number): EntryHead | undefined {
    return this.#kept.get(offset) ?? this.#committed.store.head(offset);
  }

  #remove(offset: number, size: number): void {
    if (!this.#kept.delete(offset)) this.#removed.add(offset);
    this.#committed.held.delete(offset);
    this.meta.events--;
    this.meta.bytes -= size + ENTRY_OVERHEAD_BYTES;
  }
}
