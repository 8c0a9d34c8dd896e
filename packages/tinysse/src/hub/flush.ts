import type { LogEntry } from '../log/log.js';
import type { ChannelName } from '../protocol/event.js';
import type { Channel, Channels } from './channel.js';
import { frameOf, type Page, pagesOf } from './frames.js';

/** What a flush needs of a subscriber. */
export interface Receiver {
  readonly channels: readonly ChannelName[];
  /** Whether it is at the edge; others are passed by. */
  readonly live: boolean;
  /** Where it stands in the flush that is under way. */
  batch: Batch | undefined;
  /** Looks at all that delivering to it looks at, so that it is in the CPU's caches. */
  prefetch(): number;
  /** Takes the pages that are due. */
  deliver(pages: readonly Page[]): void;
}

/**
 * So many subscribers are looked at before the first of them is written to. A write drives out of the CPU's caches what the
 * next one needs, several objects that are found one through the other; of several subscribers they are found at the same
 * time. bench: fan-out-paced
 */
const AHEAD = 16;

/** The entries that arrived since the last flush, by channel. */
export class Pending<S extends Receiver> {
  readonly #channels: Channels<S>;
  #dirty: Channel<S>[] = [];
  /** What prefetching saw last: a look whose result nobody can want would be optimised away. */
  seen = 0;

  constructor(channels: Channels<S>) {
    this.#channels = channels;
  }

  /** Notes an entry with every channel of it that has subscribers. */
  add(entry: LogEntry): void {
    for (const name of entry.channels) {
      const channel = this.#channels.get(name);
      if (!channel) continue;
      if (channel.pending.length === 0) this.#dirty.push(channel);
      channel.pending.push(entry);
    }
  }

  /** Drops everything: the entries will be read from the log instead. */
  clear(): void {
    for (const channel of this.#dirty) channel.pending = [];
    this.#dirty = [];
  }

  /**
   * Hands every live subscriber the pages that are due to it. Each dirty channel visits its subscribers once, and
   * every subscriber steps to the batch that is refined by that channel's entries; subscribers of the same dirty
   * channels end on the same batch, and a batch is merged and encoded once, when its first subscriber is served. Nothing
   * refines what the last channel's subscribers have, so they are served on the way: touching each of them once instead
   * of twice shows in bench/fan-out-paced.
   */
  flush(epoch: string, maxBytes: number): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    const encoder: Encoder = { epoch, maxBytes, frames: new Map() };
    const root = new Batch(encoder, undefined, []);
    const due: S[] = [];
    const last = dirty.pop();
    for (const channel of dirty) {
      const entries = take(channel);
      for (const subscriber of channel.subscribers) {
        if (!subscriber.live) continue;
        if (!subscriber.batch) due.push(subscriber);
        subscriber.batch = (subscriber.batch ?? root).refine(entries);
      }
    }
    if (last) this.#serveAll(last.subscribers, root, take(last));
    for (const subscriber of due) if (subscriber.batch) serve(subscriber, subscriber.batch);
  }

  #serveAll(subscribers: Iterable<S>, root: Batch, entries: readonly LogEntry[]): void {
    const near: S[] = [];
    const serveNear = (): void => {
      for (const subscriber of near) if (subscriber.live) serve(subscriber, (subscriber.batch ?? root).refine(entries));
      near.length = 0;
    };
    for (const subscriber of subscribers) {
      if (!subscriber.live) continue;
      this.seen = subscriber.prefetch();
      if (near.push(subscriber) === AHEAD) serveNear();
    }
    serveNear();
  }
}

function take(channel: Channel<Receiver>): readonly LogEntry[] {
  const entries = channel.pending;
  channel.pending = [];
  return entries;
}

function serve(subscriber: Receiver, batch: Batch): void {
  subscriber.batch = undefined;
  subscriber.deliver(batch.pages());
}

interface Encoder {
  readonly epoch: string;
  readonly maxBytes: number;
  /** Frames of entries that more than one batch holds. */
  readonly frames: Map<LogEntry, string>;
}

/** The entries of one set of dirty channels. */
export class Batch {
  readonly #encoder: Encoder;
  readonly #parent: Batch | undefined;
  readonly #added: readonly LogEntry[];
  #pages: Page[] | undefined;
  #next: Batch | undefined;

  constructor(encoder: Encoder, parent: Batch | undefined, added: readonly LogEntry[]) {
    this.#encoder = encoder;
    this.#parent = parent;
    this.#added = added;
  }

  /**
   * This batch with the entries of one more channel. Channels are visited one after the other, so one remembered step
   * is enough.
   */
  refine(entries: readonly LogEntry[]): Batch {
    if (!this.#next || this.#next.#added !== entries) this.#next = new Batch(this.#encoder, this, entries);
    return this.#next;
  }

  /** The batch as shared pages. */
  pages(): readonly Page[] {
    const { epoch, maxBytes, frames } = this.#encoder;
    this.#pages ??= [
      ...pagesOf(this.#entries(), maxBytes, (entry) => {
        let frame = frames.get(entry);
        if (frame === undefined) frames.set(entry, (frame = frameOf(epoch, entry)));
        return frame;
      }),
    ];
    return this.#pages;
  }

  #entries(): readonly LogEntry[] {
    const before = this.#parent ? this.#parent.#entries() : [];
    return before.length === 0 ? this.#added : merge(before, this.#added);
  }
}

/** Two runs as one, in order of offset; an entry of both stands once. */
function merge(a: readonly LogEntry[], b: readonly LogEntry[]): LogEntry[] {
  const merged: LogEntry[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (!right || (left && left.offset <= right.offset)) {
      merged.push(left as LogEntry);
      i++;
      if (right && left?.offset === right.offset) j++;
    } else {
      merged.push(right);
      j++;
    }
  }
  return merged;
}
