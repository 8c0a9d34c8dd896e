import type { ChannelName } from '../protocol/event.js';
import { Deque } from './deque.js';
import type { EvictionCause, LogEntry, LogQuery, LogStats } from './log.js';
import { Merge, type Run } from './merge.js';

/** What a {@link History} retains. */
export interface Retention {
  /** Entries kept per channel. */
  readonly maxEventsPerChannel: number;
  /** Milliseconds that an entry is kept. */
  readonly maxAgeMs: number;
  /** Bytes kept over all channels. */
  readonly maxBytes: number;
  /** Channels known; beyond, those longest silent are forgotten and the floor of all unknown channels rises. */
  readonly maxChannels: number;
}

/** What an entry costs beside its text: the objects around it, roughly. */
const ENTRY_OVERHEAD_BYTES = 128;

/** An entry and how many channels still retain it. The entry goes with the last of them, though its slot may stay. */
interface Slot {
  entry: LogEntry | undefined;
  refs: number;
}

interface ChannelHistory {
  /** The highest offset that retention has evicted. */
  floor: number;
  /** The offset of the newest entry ever. */
  last: number;
  readonly slots: Deque<Slot>;
}

/**
 * Entries in memory with retention and exact floors: what memoryLog is made of, and the hub's window on slower logs.
 * Not a log: it has no epoch, and whoever adds entries numbers them.
 */
export class History {
  readonly #retention: Retention;
  readonly #channels = new Map<ChannelName, ChannelHistory>();
  /** Every slot in order of offset, so that age and bytes evict the oldest whatever its channel. */
  readonly #order = new Deque<Slot>();
  #base: number;
  #events = 0;
  #bytes = 0;
  readonly #evicted: Record<EvictionCause, number> = { count: 0, age: 0, bytes: 0, channels: 0 };

  /** @param base - the floor of every channel not known yet: history begins after it */
  constructor(retention: Retention, base = 0) {
    this.#retention = retention;
    this.#base = base;
  }

  /** Adds an entry; its offset must be above all before it. */
  push(entry: LogEntry): void {
    const slot: Slot = { entry, refs: entry.channels.length };
    this.#order.push(slot);
    this.#events++;
    this.#bytes += entry.size + ENTRY_OVERHEAD_BYTES;
    for (const name of entry.channels) {
      const channel = this.#channel(name);
      channel.last = entry.offset;
      channel.slots.push(slot);
      if (channel.slots.length > this.#retention.maxEventsPerChannel) this.#evictOldest(channel, 'count');
    }
    this.#forgetChannels();
    while (this.#bytes > this.#retention.maxBytes && this.#order.length > 0) this.#evictFirst('bytes');
    // Slots emptied by per-channel limits wait behind older ones that still live; do not let them pile up.
    if (this.#order.length > 64 && this.#order.length > this.#events * 2)
      this.#order.filter((s) => s.entry !== undefined);
  }

  /** Evicts what is older than retention allows at the time `now`. */
  expire(now: number): void {
    const oldest = now - this.#retention.maxAgeMs;
    while (this.#order.length > 0) {
      const { entry } = this.#order.at(0);
      if (entry && entry.time >= oldest) return;
      this.#evictFirst('age');
    }
  }

  /** The floor of a channel. */
  floor(name: ChannelName): number {
    return this.#channels.get(name)?.floor ?? this.#base;
  }

  /** The floors of `channels`, in their order, and the highest of them. */
  floors(channels: readonly ChannelName[]): { floor: number; floors: number[] } {
    const floors: number[] = [];
    let highest = 0;
    for (const name of channels) {
      const floor = this.floor(name);
      floors.push(floor);
      if (floor > highest) highest = floor;
    }
    return { floor: highest, floors };
  }

  /** The offset of a channel's newest entry ever; 0 when it is not known. */
  last(name: ChannelName): number {
    return this.#channels.get(name)?.last ?? 0;
  }

  /** The surviving entries that `query` asks for, and how far they are complete. */
  read({ channels, after, upTo, maxEvents, maxBytes }: LogQuery): { entries: LogEntry[]; through: number } {
    const runs: Slots[] = [];
    for (const name of channels) {
      const slots = this.#channels.get(name)?.slots;
      if (slots && slots.length > 0 && offsetAt(slots, slots.length - 1) > after)
        runs.push(new Slots(slots, firstAfter(slots, after)));
    }
    const merge = new Merge(runs);
    const entries: LogEntry[] = [];
    let bytes = 0;
    for (let run = merge.lowest; run && run.offset <= upTo; run = merge.lowest) {
      const entry = run.entry as LogEntry;
      bytes += entry.size;
      const full = entries.length === maxEvents || (bytes > maxBytes && entries.length > 0);
      if (full) return { entries, through: entries[entries.length - 1]!.offset };
      entries.push(entry);
      merge.advance();
    }
    return { entries, through: upTo };
  }

  stats(): LogStats {
    return { events: this.#events, bytes: this.#bytes, channels: this.#channels.size, evicted: { ...this.#evicted } };
  }

  #channel(name: ChannelName): ChannelHistory {
    let channel = this.#channels.get(name);
    if (!channel) this.#channels.set(name, (channel = { floor: this.#base, last: 0, slots: new Deque() }));
    return channel;
  }

  /** A channel's oldest slot gives up one reference; the channel's floor says so. */
  #evictOldest(channel: ChannelHistory, cause: EvictionCause): void {
    const slot = channel.slots.shift();
    const entry = slot.entry as LogEntry;
    channel.floor = entry.offset;
    if (--slot.refs > 0) return;
    slot.entry = undefined;
    this.#evicted[cause]++;
    this.#events--;
    this.#bytes -= entry.size + ENTRY_OVERHEAD_BYTES;
  }

  /** The oldest slot of all leaves every channel that still holds it, where it is the oldest too. */
  #evictFirst(cause: EvictionCause): void {
    const slot = this.#order.shift();
    for (const name of slot.entry?.channels ?? []) {
      const channel = this.#channels.get(name);
      if (channel && channel.slots.length > 0 && channel.slots.at(0) === slot) this.#evictOldest(channel, cause);
    }
  }

  /**
   * Forgets the channels longest silent when there are too many: a hundredth at once, so that a log that sees ever new
   * channels does not look through all of them for each.
   */
  #forgetChannels(): void {
    const { maxChannels } = this.#retention;
    if (this.#channels.size <= maxChannels) return;
    const count = this.#channels.size - maxChannels + Math.floor(maxChannels / 100);
    // bench: a sorted array of 100,000 pairs takes 60 ms and its garbage, one of numbers 6 ms.
    const lasts = new Float64Array(this.#channels.size);
    let i = 0;
    for (const { last } of this.#channels.values()) lasts[i++] = last;
    const newest = lasts.sort()[count - 1]!;
    // Channels of one event have the same last offset: of those as few as it takes.
    let ties = count - lasts.indexOf(newest);
    for (const [name, channel] of this.#channels) {
      if (channel.last > newest || (channel.last === newest && ties-- <= 0)) continue;
      while (channel.slots.length > 0) this.#evictOldest(channel, 'channels');
      this.#channels.delete(name);
    }
    this.#base = Math.max(this.#base, newest);
  }
}

/** One channel's entries from an index on. */
class Slots implements Run {
  readonly #slots: Deque<Slot>;
  #next: number;
  entry: LogEntry | undefined;
  offset = 0;

  constructor(slots: Deque<Slot>, first: number) {
    this.#slots = slots;
    this.#next = first;
    this.advance();
  }

  advance(): void {
    this.entry = this.#next < this.#slots.length ? this.#slots.at(this.#next++).entry : undefined;
    this.offset = this.entry ? this.entry.offset : Number.POSITIVE_INFINITY;
  }
}

const offsetAt = (slots: Deque<Slot>, index: number): number => (slots.at(index).entry as LogEntry).offset;

/** The index of the first slot above `offset`. */
function firstAfter(slots: Deque<Slot>, offset: number): number {
  let low = 0;
  let high = slots.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsetAt(slots, middle) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
