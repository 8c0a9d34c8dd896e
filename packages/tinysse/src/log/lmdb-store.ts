/// <reference types="node" />
import { type Database, open, type RootDatabase } from 'lmdb';
import { SSEError } from '../errors.js';
import { randomEpoch } from '../protocol/cursor.js';
import type { ChannelName } from '../protocol/event.js';
import { type EntryHead, entryOf, headOf, indexKey, MAX_OFFSET, nameKey, offsetKey } from './lmdb-codec.js';
import { causeOf, checkRoom, lost, openFailure, refused } from './lmdb-errors.js';
import { checkFile, DataFile } from './lmdb-file.js';
import type { LogEntry } from './log.js';

/** The layout of what is stored. A log that finds another one refuses to touch it. */
const FORMAT = 1;

/** The log's own record, written with every transaction. */
export interface Meta {
  readonly format: number;
  /** Counts transactions. */
  serial: number;
  epoch: string;
  /** The offset of the last entry ever. */
  head: number;
  /** The log's time at the last transaction. */
  time: number;
  /** By how much it was ahead of the clock, if at all; see `LogTime`. */
  ahead?: number;
  /** The floor of every channel not known. */
  base: number;
  /** Entries retained, and their bytes. */
  events: number;
  bytes: number;
  /** Idempotency keys remembered. */
  keys: number;
  /** The number of the next channel. Numbers are never used twice. */
  nextChannel: number;
}

/** What is known of a channel. Its entries are those of the index under its number. */
export interface ChannelRow {
  readonly id: number;
  /** The highest offset that retention has evicted. */
  floor: number;
  /** The offset of the newest entry ever. */
  last: number;
  /** Entries retained. */
  count: number;
}

/** What an idempotency key stands for. */
export interface KeyRow {
  readonly offset: number;
  readonly time: number;
  readonly fingerprint: string;
}

const TABLES = ['meta', 'owner', 'entries', 'index', 'channels', 'keys', 'keyOrder'] as const;
const NOTHING = Buffer.alloc(0);
const META = 'log';
const OWNER = 'owner';

/**
 * A log's tables on disk. Whatever is read in one synchronous step is of one snapshot: lmdb-js renews its read
 * transaction between turns only, and nothing here holds one longer.
 */
export class LmdbStore {
  readonly meta: Meta;
  /** Every channel as the log was opened, the one longest silent first. */
  readonly known: Map<ChannelName, ChannelRow>;
  /** Event text and all, by offset. */
  readonly entries: Database<Buffer, number>;
  /** Which channel, by number, holds which offset. */
  readonly index: Database<Buffer, number[]>;
  readonly channels: Database<ChannelRow, string>;
  readonly keys: Database<KeyRow, string>;
  /** Keys by the offset they stand for: the oldest first. */
  readonly keyOrder: Database<string, number>;
  readonly #meta: Database<Meta, string>;
  readonly #owner: Database<null, string>;
  readonly #root: RootDatabase;
  readonly #session: number;
  readonly #path: string;
  readonly #file: DataFile;
  /** The last record committed. */
  #written: Meta;

  /** @throws SSEError LOG_FORMAT, LOG_FULL, LOG_UNAVAILABLE */
  constructor(path: string, newEpoch: boolean) {
    this.#path = path;
    try {
      checkFile(path);
      // overlappingSync would show and acknowledge a commit before it is on disk.
      this.#root = open({
        path,
        noSubdir: false,
        overlappingSync: false,
        eventTurnBatching: false,
        maxDbs: TABLES.length,
      });
      this.#file = new DataFile(path);
    } catch (cause) {
      throw openFailure(path, cause);
    }
    try {
      this.#check(path);
      const table = <V, K extends number | number[] | string>(name: (typeof TABLES)[number], options: object) =>
        this.#root.openDB<V, K>({ name, ...options });
      this.#meta = table('meta', { encoding: 'json' });
      this.#owner = table('owner', { encoding: 'json', useVersions: true });
      this.entries = table('entries', { encoding: 'binary', keyEncoder: offsetKey });
      this.index = table('index', { encoding: 'binary', keyEncoder: indexKey });
      this.channels = table('channels', { encoding: 'json', keyEncoder: nameKey });
      this.keys = table('keys', { encoding: 'json', keyEncoder: nameKey });
      this.keyOrder = table('keyOrder', { encoding: 'string', keyEncoder: offsetKey });
      [this.meta, this.known, this.#session] = this.#begin(newEpoch);
      this.#written = { ...this.meta };
    } catch (cause) {
      this.#root.close().catch(() => {});
      throw openFailure(path, cause);
    }
  }

  #check(path: string): void {
    const names = new Set<unknown>(this.#root.getKeys());
    const foreign = [...names].find((name) => !TABLES.includes(name as (typeof TABLES)[number]));
    const stored = names.has('meta')
      ? this.#root.openDB<Meta, string>('meta', { encoding: 'json' }).get(META)
      : undefined;
    if (stored ? stored.format === FORMAT : foreign === undefined) return;
    const found = stored ? `format ${stored.format}` : 'a database of something else';
    throw new SSEError('LOG_FORMAT', `${path} holds ${found}; this version reads format ${FORMAT}`, {
      outcome: 'rejected',
    });
  }

  #begin(newEpoch: boolean): [Meta, Map<ChannelName, ChannelRow>, number] {
    return this.#root.transactionSync(() => {
      const fresh = { serial: 0, head: 0, time: 0, base: 0, events: 0, bytes: 0, keys: 0, nextChannel: 1 };
      const meta = this.#meta.get(META) ?? { format: FORMAT, epoch: randomEpoch(), ...fresh };
      if (newEpoch) meta.epoch = randomEpoch();
      const known = this.#readChannels(meta);
      const session = (this.#sessionStored() ?? 0) + 1;
      this.#meta.put(META, meta);
      this.#owner.put(OWNER, null, session);
      return [meta, known, session];
    });
  }

  /** Forgets a channel whose row cannot be read: nobody can tell what it held, so every unknown channel's floor is the head. */
  #readChannels(meta: Meta): Map<ChannelName, ChannelRow> {
    const rows: [ChannelName, ChannelRow][] = [];
    for (const name of this.channels.getKeys({ start: ' ' })) {
      const row = rowIn(this.channels, name);
      if (row && [row.id, row.floor, row.last, row.count].every(Number.isSafeInteger)) {
        rows.push([name as ChannelName, row]);
        continue;
      }
      this.channels.remove(name);
      meta.base = meta.head;
    }
    return new Map(rows.sort(([, a], [, b]) => a.last - b.last));
  }

  #sessionStored(): number | undefined {
    return this.#owner.getEntry(OWNER)?.version as number | undefined;
  }

  /**
   * Commits what `write` puts and removes, all or nothing, to disk. One at a time.
   *
   * Every transaction checks that no other log has opened the directory since: should the lock ever fail, the older
   * log is refused here instead of overwriting what the newer one has acknowledged.
   *
   * @param bytes - about how much is added
   * @throws SSEError LOG_FULL, LOG_UNAVAILABLE, LOG_LOCKED: nothing was written; with `outcome: 'unknown'`: it may be
   */
  async commit(meta: Meta, bytes: number, write: () => void): Promise<void> {
    this.#file.check();
    checkRoom(this.#path, bytes);
    let ours: boolean;
    try {
      ours = await this.#owner.ifVersion(OWNER, this.#session, () => {
        write();
        this.#meta.put(META, meta);
      });
    } catch (error) {
      const cause = await causeOf(error);
      throw this.#untouched() ? refused(this.#path, cause) : lost(cause);
    }
    if (!ours) throw this.#takenOver();
    this.#written = meta;
  }

  /** Whether the directory is still this log's. @throws SSEError LOG_UNAVAILABLE when it is gone, LOG_LOCKED when another log has it */
  check(): void {
    this.#file.check();
    this.refresh();
    if (this.#sessionStored() !== this.#session) throw this.#takenOver();
  }

  #takenOver(): SSEError {
    return new SSEError('LOG_LOCKED', `another log has taken ${this.#path} over`, { outcome: 'rejected' });
  }

  /**
   * Whether the state before a failed commit is still the one on disk, and can be built on. LMDB writes new pages
   * first and refers to them last, so a failure before that leaves no trace, whatever the disk made of the pages; one
   * while it refers to them makes LMDB refuse every transaction.
   */
  #untouched(): boolean {
    try {
      this.refresh();
      const stored = this.#meta.get(META);
      return stored !== undefined && stored.serial === this.#written.serial;
    } catch {
      return false;
    }
  }

  /** Sees to it that the next read sees the last commit. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  /** The stored record, of the same snapshot as what else is read in this step. */
  base(): number {
    return this.#meta.get(META)?.base ?? 0;
  }

  /** What an entry's row says beside its data; undefined when there is none that can be read. */
  head(offset: number): EntryHead | undefined {
    return headOf(this.entries.get(offset))?.head;
  }

  /** An entry; undefined when there is none that can be read. */
  entry(offset: number): LogEntry | undefined {
    return entryOf(offset, this.entries.get(offset));
  }

  /** The first offset stored at or above `from`. */
  firstFrom(from: number): number | undefined {
    for (const offset of this.entries.getKeys({ start: from, limit: 1 })) return offset;
    return undefined;
  }

  /** The first entry at or above `from` that can be read, and its time. */
  timeFrom(from: number): { offset: number; time: number } | undefined {
    for (const offset of this.entries.getKeys({ start: from })) {
      const time = this.head(offset)?.time;
      if (time !== undefined) return { offset, time };
    }
    return undefined;
  }

  /** The highest offset stored. */
  last(): number | undefined {
    for (const offset of this.entries.getKeys({ start: MAX_OFFSET, end: 0, reverse: true, limit: 1 })) return offset;
    return undefined;
  }

  /** Every offset stored, lowest first. */
  offsets(): Iterable<number> {
    return this.entries.getKeys({ start: 0 });
  }

  /** A channel's offsets in [from, upTo], lowest first. */
  offsetsOf(id: number, from: number, upTo: number, limit = Number.POSITIVE_INFINITY): Iterable<number> {
    const range = { start: [id, from], end: [id, upTo + 1] };
    return this.index.getKeys(
      limit === Number.POSITIVE_INFINITY ? range : { ...range, limit },
    ) as Iterable<unknown> as Iterable<number>;
  }

  /** A channel's highest offset in (above, upTo]. */
  lastOf(id: number, above: number, upTo: number): number | undefined {
    for (const offset of this.index.getKeys({ start: [id, upTo], end: [id, above], reverse: true, limit: 1 }))
      return offset as unknown as number;
    return undefined;
  }

  /** Marks an entry as one of a channel's. Within {@link commit}. */
  link(id: number, offset: number): void {
    this.index.put([id, offset], NOTHING);
  }

  /** Waits for what is being committed. */
  close(): Promise<void> {
    return this.#root.close();
  }
}

/** A row of JSON; undefined when there is none that can be read. */
export function rowIn<V>(table: Database<V, string>, key: string): V | undefined {
  try {
    return table.get(key);
  } catch {
    return undefined;
  }
}
