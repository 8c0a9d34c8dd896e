import type { Clock } from '../clock.js';
import { encodeEvent } from '../protocol/encode.js';
import { eventData, eventName } from '../protocol/event.js';
import type { Subscriber } from './subscriber.js';
import type { Turns } from './turns.js';

/** An event for one connection only: it is in no log and has no id. */
export interface SourceEvent {
  /** The event's name; none or empty for an unnamed event. */
  event?: string | undefined;
  /** A string, or bytes that are valid UTF-8. */
  data: string | Uint8Array;
}

/** Events for one connection, pulled as its sink drains. */
export type Source<Event = SourceEvent> = Iterable<Event> | AsyncIterable<Event>;

type SourceIterator = Iterator<SourceEvent> | AsyncIterator<SourceEvent>;

/** A source's iterator. @throws TypeError when it gives no iterator, and what the source itself throws */
export function iteratorOf(source: Source): SourceIterator {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  if (typeof iterator?.next !== 'function') throw new TypeError('a source must be iterable');
  return iterator;
}

/** Ends an iterator. Its own failure to end is nobody's concern any more. */
async function giveBack(iterator: SourceIterator | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {}
}

/** @throws SSEError INVALID_EVENT, RESERVED_EVENT, INVALID_DATA */
const frameOf = ({ event, data }: SourceEvent): string =>
  encodeEvent({ event: eventName(event), data: eventData(data) });

/** What a source writes at once, in characters. */
const PAGE = 32 * 2 ** 10;

/** How a source is run. */
export interface SourceRun {
  readonly clock: Pick<Clock, 'soon'>;
  /** Gives the events; called once, when it is this source's turn. */
  open(): Source | Promise<Source>;
  /** Called once the first value, or the end, is there, before anything is written. */
  begun?(): void;
  /** Waits for a value. Default: for as long as it takes. */
  inTime?<T>(value: Promise<T>): Promise<T>;
  /** Limits how many sources run at once. A source whose sink is full does not count. */
  turns?: Turns;
  /** Called once when the source has ended (no error) or failed; not when it was stopped. */
  done(error?: unknown): void;
}

/**
 * Lets a source write to `subscriber` before the log does. The subscriber's position stays where it is meanwhile. What the source
 * gives in one turn of the event loop leaves in two writes at most, and after each page others have their turn. bench: snapshot
 *
 * @returns stops the source: its `return()` is called, whether or not a value is being waited for
 */
export function runSource(subscriber: Subscriber, run: SourceRun): () => void {
  const { inTime = (value) => value } = run;
  const turn = new Turn(run.turns);
  const writer = new Writer(subscriber, run.clock);
  let iterator: SourceIterator | undefined;
  let stopped = false;
  let drained: (() => void) | undefined;
  subscriber.source = () => drained?.();

  /** Resolves when there is room in the sink, or the source was stopped. */
  const room = async (): Promise<void> => {
    while (subscriber.full && !stopped) {
      turn.give();
      await new Promise<void>((resolve) => (drained = resolve));
      drained = undefined;
      if (!stopped) writer.flush();
    }
  };
  /** What comes too late is given back. */
  const opened = async (): Promise<Source> => {
    const opening = Promise.resolve(run.open());
    try {
      return await inTime(opening);
    } catch (error) {
      opening.then((late) => giveBack(iteratorOf(late))).catch(() => {});
      throw error;
    }
  };
  const finish = (): boolean => {
    turn.give();
    if (stopped) return false;
    stopped = true;
    writer.end();
    subscriber.source = undefined;
    drained?.();
    return true;
  };

  const pump = async (): Promise<void> => {
    for (let isFirst = true; ; isFirst = false) {
      await room();
      if (!stopped) await turn.take();
      if (stopped) return;
      iterator ??= iteratorOf(await opened());
      if (stopped) return giveBack(iterator);
      const given = iterator.next();
      const next = 'then' in given ? await inTime(given) : given;
      // Before anything is written: what is no event fails, and a snapshot that fails at first has blanked nothing.
      const frame = next.done ? undefined : frameOf(next.value);
      // A heartbeat may have filled the sink meanwhile.
      await room();
      if (stopped) return;
      if (isFirst && run.begun) {
        run.begun();
        await room();
      }
      if (frame === undefined) break;
      await writer.put(frame);
    }
    writer.flush();
    await room();
  };

  pump()
    .then(
      () => {
        if (finish()) run.done();
      },
      (error: unknown = new Error('a source failed and did not say why')) => {
        if (!stopped) writer.flush();
        if (!finish()) return;
        void giveBack(iterator);
        run.done(error);
      },
    )
    // Nothing else would step the subscriber any more.
    .catch(() => subscriber.dismiss('failed'))
    .finally(() => turn.give());
  return () => {
    if (finish()) void giveBack(iterator);
  };
}

/** Writes a source's frames: the first of a turn at once, which tells whether there is room, and those after it as one. */
class Writer {
  readonly #subscriber: Subscriber;
  readonly #clock: Pick<Clock, 'soon'>;
  #held = '';
  #inTurn = false;

  constructor(subscriber: Subscriber, clock: Pick<Clock, 'soon'>) {
    this.#subscriber = subscriber;
    this.#clock = clock;
  }

  /** Resolves when the next frame may come: after a page others have their turn. */
  async put(frame: string): Promise<void> {
    this.#held += frame;
    if (!this.#inTurn) {
      this.#inTurn = true;
      this.#clock.soon(() => {
        this.#inTurn = false;
        this.flush();
      });
      this.flush();
    } else if (this.#held.length >= PAGE) {
      this.flush();
      await new Promise<void>((go) => this.#clock.soon(go));
    }
  }

  /** Writes what is held, unless the sink is full: a heartbeat may have filled it. */
  flush(): void {
    if (this.#held === '' || this.#subscriber.full) return;
    const text = this.#held;
    this.#held = '';
    this.#subscriber.note(text);
  }

  /** Drops what is held. */
  end(): void {
    this.#held = '';
  }
}

/** One source's turn among those that run at once. */
class Turn {
  readonly #turns: Turns | undefined;
  #has = false;
  #hadBefore = false;

  constructor(turns: Turns | undefined) {
    this.#turns = turns;
  }

  /** Resolves when the source may run. One that has begun goes before those that have not: it holds a query. */
  async take(): Promise<void> {
    if (!this.#turns || this.#has) return;
    await this.#turns.take(this.#hadBefore);
    this.#has = this.#hadBefore = true;
  }

  give(): void {
    if (this.#has) this.#turns?.give();
    this.#has = false;
  }
}
