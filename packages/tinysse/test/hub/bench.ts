import type { Log, LogPage, LogQuery, LogWatcher } from 'tinysse';
import { createFakeClock, type FakeClock } from 'tinysse/testing';
import { Hub, type HubOptions, type SubscribeOptions } from '../../src/hub/hub.js';
import type { CloseReason, Piece, Sink } from '../../src/hub/sink.js';
import { memoryLog } from '../../src/log/memory.js';
import type { Cursor } from '../../src/protocol/cursor.js';
import { channelName } from '../../src/protocol/event.js';

/** One frame as a client reads it. */
export interface Frame {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
}

const decoder = new TextDecoder();

/** Floors by channel, by epoch. */
type Floors = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** A client's end of a stream: takes bytes when it reads, holds them back when it does not. */
export class TestSink implements Sink {
  /** What the client has received. */
  text = '';
  /** Whether the client reads: while it does not, bytes stay in the server's memory. */
  reading = true;
  closed = false;
  /** Every piece written, to see who shares. */
  readonly pieces: Piece[] = [];
  /** Asked when the first frame is written that comes of the log's first answer; what it gives is in `floors`. */
  onFirstAnswer: (() => Floors) | undefined;
  floors: Floors | undefined;
  readonly #clock: FakeClock;
  #held: Piece[] = [];
  #drained: (() => void) | undefined;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  write(piece: Piece): boolean {
    if (this.#drained) throw new Error('written to while it holds bytes');
    this.pieces.push(piece);
    if (this.onFirstAnswer && /^(id: |data: cut$)/m.test(decoder.decode(piece.bytes)))
      this.floors ??= this.onFirstAnswer();
    if (this.reading) this.text += decoder.decode(piece.bytes);
    else this.#held.push(piece);
    return this.reading;
  }

  whenDrained(run: () => void): void {
    this.#drained = run;
  }

  close(): void {
    this.closed = true;
  }

  /** The client reads all that waits for it; the server hears of it in the next turn. */
  read(): void {
    this.reading = true;
    for (const piece of this.#held) this.text += decoder.decode(piece.bytes);
    this.#held = [];
    const run = this.#drained;
    this.#drained = undefined;
    if (run) this.#clock.soon(() => this.closed || run());
  }

  /** The connection is cut: what the client has not read is lost. */
  cut(): void {
    this.closed = true;
    this.#held = [];
    this.#drained = undefined;
  }

  get heldBytes(): number {
    return this.#held.reduce((sum, piece) => sum + piece.bytes.length, 0);
  }

  get frames(): Frame[] {
    return framesOf(this.text);
  }

  /** The data of the events that are not the server's own. */
  get data(): string[] {
    return this.frames.filter(isPublished).map((frame) => frame.data ?? '');
  }

  /** The resets, parsed. */
  get resets(): { id: string; reason: string; lastEventId: string; resumedAt: string }[] {
    return this.frames
      .filter(({ event }) => event === 'tinysse:reset')
      .map(({ id, data }) => ({ id, ...JSON.parse(data ?? '') }));
  }
}

export const isPublished = ({ data, event }: Frame): boolean => data !== undefined && !event?.startsWith('tinysse:');

/** Wire text as frames; every line must be a known field or a comment. */
export function framesOf(text: string): Frame[] {
  const frames: Frame[] = [];
  for (const block of text.split('\n\n').slice(0, -1)) {
    const frame: Record<string, string> = {};
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) continue;
      const [, field, value] = /^(id|event|data|retry): (.*)$/s.exec(line) ?? [];
      if (field === undefined || value === undefined) throw new Error(`not a field: ${line}`);
      frame[field] = field in frame ? `${frame[field]}\n${value}` : value;
    }
    frames.push(frame);
  }
  return frames;
}

const LIMITS = {
  clients: 1_000,
  channelsPerEvent: 16,
  eventBytes: 2 ** 20,
  pendingPublishes: 10_000,
  pendingBytes: 2 ** 26,
  publishTimeoutMs: 5_000,
  snapshots: 16,
  snapshotTimeoutMs: 10_000,
};

/** A hub on a fake clock. */
export function createBench(
  makeLog: (clock: FakeClock) => Log = (clock) => memoryLog({ clock }),
  options: Partial<HubOptions> = {},
) {
  const clock = createFakeClock();
  const log = makeLog(clock);
  const errors: unknown[][] = [];
  const hub = new Hub({
    log,
    clock,
    limits: LIMITS,
    random: () => 0.5,
    logger: (...args) => errors.push(args),
    clientChannelBuffer: 64,
    slowClient: 'replay',
    heartbeatMs: 15_000,
    stallMs: 60_000,
    retryMs: 2_000,
    pageBytes: 32_768,
    windowBytes: 2 ** 23,
    maxReads: 4,
    observer: {},
    ...options,
  });
  hub.open();
  const connect = (channels: string, from = 'latest', more: Partial<SubscribeOptions> = {}) => {
    const sink = new TestSink(clock);
    const closed: CloseReason[] = [];
    const names = channels === '' ? [] : channels.split(' ').map(channelName);
    const end = hub.subscribe({
      channels: names,
      sink,
      from,
      controlEvents: true,
      onClose: (why) => closed.push(why),
      ...more,
    });
    return Object.assign(sink, { end, why: closed });
  };
  return {
    clock,
    log,
    hub,
    errors,
    connect,
    /** Publishes an event whose data is its text. */
    publish: (channels: string, data: string) => hub.publish({ channels: channels.split(' '), data }) as string,
    /** Runs turns of the event loop until nothing waits. */
    settle() {
      while (clock.turn());
    },
    /** The same for a log that answers later: lets promises run between turns. */
    async settleLater() {
      do await new Promise((resolve) => setImmediate(resolve));
      while (clock.turn());
    },
  };
}

createBench.defaults = { limits: LIMITS };

/** A log that answers later, as a log on another machine does: each answer waits for a turn of the clock. */
export function later(log: Log, clock: FakeClock): Log {
  const afterTurn = <T>(run: () => T | Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      clock.soon(() => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      });
    });
  return {
    inMemory: false,
    watch: (watcher: LogWatcher) => log.watch(watcher),
    unwatch: (watcher) => log.unwatch(watcher),
    head: () => afterTurn(() => log.head()),
    append: (event) => afterTurn(() => log.append(event)),
    read: (query: LogQuery): Promise<LogPage> => afterTurn(() => log.read(query)),
    stats: () => log.stats(),
    close: () => log.close(),
  };
}

/** A log whose reports can be cut off for a while, as a connection to another machine is. */
export type Deaf = Log & {
  cut(): void;
  /** Reports again, from `head` on. */
  restore(head: Cursor): void;
};

export function deafen(log: Log): Deaf {
  let cut = false;
  const watchers = new Set<LogWatcher>();
  return {
    ...log,
    watch(watcher) {
      watchers.add(watcher);
      return log.watch({
        ...watcher,
        committed: (entry) => cut || watcher.committed(entry),
        interrupted: (head) => watcher.interrupted(head),
      });
    },
    cut: () => {
      cut = true;
    },
    restore(head) {
      cut = false;
      for (const watcher of watchers) watcher.interrupted(head);
    },
  };
}
