import type { Clock } from '../clock.js';
import type { Log, LogPage, LogQuery, MaybePromise } from '../log/log.js';
import { type Cursor, formatCursor } from '../protocol/cursor.js';
import type { ChannelName } from '../protocol/event.js';
import { frameOf, type Page, pagesOf } from './frames.js';
import { Turns } from './turns.js';
import type { Window } from './window.js';

/** A page read from the log, with what its snapshot said. */
export interface CatchupPage extends Page {
  readonly epoch: string;
  /** The highest floor of the channels, and the floor of each in their order. */
  readonly floor: number;
  readonly floors: readonly number[] | undefined;
  /** Whether a limit cut it: then it stays true whatever is published later. */
  readonly cut: boolean;
}

export interface CatchupOptions {
  readonly log: Log;
  readonly window: Window | undefined;
  readonly clock: Clock;
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Reads of the log under way at once. */
  readonly maxReads: number;
}

const CACHE_BYTES = 4 * 2 ** 20;
const CACHE_MS = 1_000;

/**
 * Pages for subscribers that are behind. Many are often at the same position (a server's clients after a restart):
 * those with equal channels and position share one read and one encoding.
 */
export class Catchup {
  readonly #options: CatchupOptions;
  readonly #cache = new Map<string, CatchupPage>();
  readonly #reading = new Map<string, Promise<CatchupPage>>();
  #cachedBytes = 0;
  readonly #turns: Turns;

  constructor(options: CatchupOptions) {
    this.#options = options;
    this.#turns = new Turns(options.maxReads);
  }

  /**
   * The page after a position for `channels`, complete up to its `through` and reaching no further than `upTo`.
   * @param key - names the channels
   */
  page(channels: readonly ChannelName[], key: string, position: Cursor, upTo: number): MaybePromise<CatchupPage> {
    const after = position.offset;
    const at = `${formatCursor(position.epoch, after)} ${key}`;
    const cached = this.#cache.get(at);
    if (cached && (cached.cut || cached.through === upTo)) return cached;
    const { log, window, maxEvents, maxBytes } = this.#options;
    const query: LogQuery = { channels, after, upTo, maxEvents, maxBytes };
    const known = window?.read(query);
    if (known) return this.#keep(at, known, upTo);
    if (log.inMemory) return this.#keep(at, log.read(query), upTo);
    const shared = `${upTo} ${at}`;
    let reading = this.#reading.get(shared);
    if (!reading) {
      reading = this.#limited(() => log.read(query))
        .then((page) => this.#keep(at, page, upTo))
        .finally(() => this.#reading.delete(shared));
      this.#reading.set(shared, reading);
    }
    return reading;
  }

  /** Forgets every page: the log has a new epoch. */
  clear(): void {
    this.#cache.clear();
    this.#cachedBytes = 0;
  }

  #keep(at: string, read: LogPage, upTo: number): CatchupPage {
    const { epoch, floor, floors } = read;
    const first = pagesOf(read.entries, this.#options.maxBytes, (entry) => frameOf(epoch, entry)).next();
    if (first.done) {
      const { through } = read;
      return { epoch, floor, floors, bytes: new Uint8Array(0), through, count: 0, first: undefined, cut: false };
    }
    const all = first.value.count === read.entries.length;
    const through = all ? read.through : first.value.through;
    const page: CatchupPage = { ...first.value, epoch, floor, floors, through, cut: through < upTo };
    if (this.#cache.size === 0) this.#options.clock.after(CACHE_MS, () => this.clear());
    this.#cachedBytes += page.bytes.length;
    if (this.#cachedBytes > CACHE_BYTES) this.clear();
    this.#cache.set(at, page);
    return page;
  }

  async #limited<T>(run: () => MaybePromise<T>): Promise<T> {
    const turn = this.#turns.take();
    if (turn) await turn;
    try {
      return await run();
    } finally {
      this.#turns.give();
    }
  }
}
