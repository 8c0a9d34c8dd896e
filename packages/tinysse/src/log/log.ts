import type { Cursor } from '../protocol/cursor.js';
import type { ChannelName, EventName } from '../protocol/event.js';

/** A value now or later. Logs in memory answer at once, which is what makes publishing to them cheap. */
export type MaybePromise<T> = T | Promise<T>;

/** An event on its way into the log. Its fields have been validated. */
export interface LogEvent {
  /** At least one, without repeats. */
  readonly channels: readonly ChannelName[];
  readonly event: EventName | undefined;
  readonly data: string;
  /** The length of the event as wire text in bytes (see `encodedLength`): what byte limits count. */
  readonly size: number;
  /** Makes a repeated append harmless; see {@link SyncLog.append}. At most 257 bytes of UTF-8; a NUL may stand in it. */
  readonly key?: string | undefined;
  /**
   * Events that are appended one after the other, without waiting for the answers, with the same object here keep their
   * order also when the log fails: once one of them was refused with a LOG code, those after it are refused as well.
   */
  readonly series?: object | undefined;
}

/**
 * An event in the log. Immutable, and shared by everyone who reads it. A store that reads names back from where it keeps
 * them casts them: they were checked before they were appended.
 */
export interface LogEntry {
  /** Log-wide sequence number, at least 1. Offsets increase; holes are legal. */
  readonly offset: number;
  /**
   * When it was accepted, in milliseconds since 1970 by the log's time, which goes on from where it was when the clock
   * steps back: never less than its predecessor's.
   */
  readonly time: number;
  readonly channels: readonly ChannelName[];
  readonly event: EventName | undefined;
  readonly data: string;
  readonly size: number;
}

/** What {@link SyncLog.read} looks for. */
export interface LogQuery {
  /** Whose entries: those of any of these channels, each entry once. */
  readonly channels: readonly ChannelName[];
  /** Entries with a greater offset. */
  readonly after: number;
  /** Entries with at most this offset. */
  readonly upTo: number;
  /** At most this many entries, at least 1. */
  readonly maxEvents: number;
  /** Stop before the entry whose size would exceed this sum in bytes, but never before the first. */
  readonly maxBytes: number;
}

/** The answer to a {@link LogQuery}, all of it from one snapshot of the log. */
export interface LogPage {
  readonly epoch: string;
  /**
   * The highest floor among the query's channels. At or below `after`, the page misses nothing;
   * above it, entries in (after, floor] may have been evicted, and those that survive are still here.
   */
  readonly floor: number;
  /** The floor of each of the query's channels, in the query's order: tells which channel has lost what. */
  readonly floors: readonly number[];
  /** In order of offset. */
  readonly entries: readonly LogEntry[];
  /** The page is complete up to this offset: the last entry's when a limit cut the page, else the query's `upTo`. */
  readonly through: number;
}

/** The limit that an entry was evicted for: per channel, by age, by bytes, or of channels known. */
export type EvictionCause = 'count' | 'age' | 'bytes' | 'channels';

/** How much a log holds. */
export interface LogStats {
  /** Entries retained. */
  readonly events: number;
  /** Their bytes, by the log's own account. */
  readonly bytes: number;
  /** Channels known, with or without entries. */
  readonly channels: number;
  /** Entries that retention has evicted since the log was opened, by the limit that it was for; left out where nobody counts. */
  readonly evicted?: Readonly<Record<EvictionCause, number>>;
}

/** The limits of a log's retention that a hub's window of the newest entries keeps too. */
export interface LogRetention {
  /** Entries kept per channel. */
  readonly maxEventsPerChannel: number;
  /** Milliseconds that an entry is kept. */
  readonly maxAgeMs: number;
  /** Bytes kept over all channels. */
  readonly maxBytes: number;
}

/** What a log knows of a channel. */
export interface LogChannel {
  /** The offset of its newest entry ever; 0 when it is not known. */
  readonly offset: number;
  /** The highest offset that retention has evicted from it. */
  readonly floor: number;
}

/** A name, and how many a server has under it: at least 1. Names hold no control characters. */
export type PeerCount = readonly [name: string, count: number];

/** A server, as the others that share its log see it. Both methods are called at any time and must not throw. */
export interface Peer {
  /** What it says of itself: each name once. Called about once a second; the log tells the others what has changed. */
  state(): Iterable<PeerCount>;
  /** Another has told everybody something. */
  told(text: string): void;
}

/** Which names {@link Membership.ask} is about, in order of code points. */
export interface PeerQuery {
  /** Those that begin so. */
  readonly prefix: string;
  /** Those after this one. */
  readonly after: string;
  /** At most so many of each server. */
  readonly limit: number;
}

/** A place among the servers that share a log. */
export interface Membership {
  /**
   * Tells all others; resolves when they will hear of it, those that are cut off when they are back.
   * @throws SSEError LOG_UNAVAILABLE, LOG_CLOSED, with `outcome`
   */
  tell(text: string): Promise<void>;
  /**
   * What the others say of themselves, as of the last seconds.
   * @returns of each of them the first names asked for, so a name comes as often as servers have it
   * @throws SSEError LOG_UNAVAILABLE, LOG_CLOSED
   */
  ask(query: PeerQuery): Promise<readonly PeerCount[]>;
  leave(): void;
}

/**
 * Learns what the log has accepted. Both methods are called synchronously and must not throw.
 */
export interface LogWatcher {
  /** The next entry: strictly in order of offset, once every lower offset is committed or void for ever. */
  committed(entry: LogEntry): void;
  /**
   * Entries may have passed unreported, or the log has a new epoch: reporting goes on after `head`, and what
   * came before it must be read.
   */
  interrupted(head: Cursor): void;
}

/**
 * Ordered, retained history: a {@link SyncLog} or an {@link AsyncLog}. A log knows nothing of subscribers.
 *
 * Contract, tested by the suite in `tinysse/testing`:
 * - Offsets increase with every append; an event for several channels is one entry.
 * - Retention evicts prefixes, per channel or log-wide, and lifts the floors of what it evicts exactly.
 * - A read is one snapshot.
 * - A watcher hears of an entry no later than its append is acknowledged, in order, or hears `interrupted`.
 */
export type Log = SyncLog | AsyncLog;

/** A log that answers reads at once, from this process's memory. */
export interface SyncLog extends LogMembers {
  readonly inMemory: true;
  /** The position of the last entry accepted, or of the beginning. */
  head(): Cursor;
  /** Reads entries. @throws SSEError LOG_CLOSED */
  read(query: LogQuery): LogPage;
}

/** A log that may answer reads later. A hub keeps its own window on its newest entries. */
export interface AsyncLog extends LogMembers {
  readonly inMemory: false;
  /** The position of the last entry accepted, or of the beginning. @throws SSEError LOG_UNAVAILABLE, LOG_CLOSED */
  head(): MaybePromise<Cursor>;
  /** Reads entries. @throws SSEError LOG_UNAVAILABLE, LOG_CLOSED */
  read(query: LogQuery): MaybePromise<LogPage>;
}

interface LogMembers {
  /** What it retains; read once. Without it, a hub's window may go on serving for a while what the log has evicted. */
  readonly retention?: LogRetention;
  /**
   * Makes the log ready and begins to report to `watcher`.
   * @returns the head: the position after which the watcher hears of every entry
   * @throws SSEError LOG_UNAVAILABLE, LOG_LOCKED, LOG_FORMAT
   */
  watch(watcher: LogWatcher): MaybePromise<Cursor>;
  /** Ends the reports to `watcher`. */
  unwatch(watcher: LogWatcher): void;
  /**
   * Accepts an event; when this returns or resolves, the log keeps it as surely as this log keeps anything.
   * A key seen within the log's key window with equal content answers with the first cursor and stores nothing.
   * No key is forgotten within its window: when there are too many of them, a new one is refused.
   * @throws SSEError KEY_REUSED (the key came with other content), LOG_KEYS_FULL, LOG_FULL, LOG_UNAVAILABLE, LOG_CLOSED, with
   *   `outcome`
   */
  append(event: LogEvent): MaybePromise<Cursor>;
  /**
   * Where a stream goes on whose cursor is of another epoch: up to there, this log and the cursor's share their past.
   * Offset 0 when it knows nothing of that epoch, and always for a log without this method.
   * @throws SSEError LOG_UNAVAILABLE, LOG_CLOSED
   */
  resume?(cursor: Cursor): MaybePromise<Cursor>;
  /** What it knows of channels, in the order asked for. @throws SSEError LOG_UNAVAILABLE, LOG_CLOSED */
  channels?(names: readonly ChannelName[]): MaybePromise<readonly LogChannel[]>;
  /** Makes a server known to the others that share the log; not for logs of one process. */
  join?(peer: Peer): Membership;
  /** Measures the log. */
  stats(): MaybePromise<LogStats>;
  /** Gives everything back. Later calls fail with LOG_CLOSED. */
  close(): MaybePromise<void>;
}
