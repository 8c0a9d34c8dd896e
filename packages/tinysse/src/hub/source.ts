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

/** How a source is run. */
export interface SourceRun {
  /** Gives the events; called once, when it is this source's turn. */
  open(): Source | Promise<Source>;
  /** Called once the first value, or the end, is there, before anything is written. */
  begun?(): void;
  /** Waits for a value. Default: for as long as it takes. */
  inTime?<T>(value: Promise<T>): Promise<T>;
  /** So many sources run at once; one whose sink is full does not count. */
  turns?: Turns;
  /** Called once when the source has ended (no error) or failed; not when it was stopped. */
  done(error?: unknown): void;
}

/**
 * Lets a source write to `subscriber` before the log does. The subscriber's position stays where it is meanwhile.
 *
 * @returns stops the source: its `return()` is called, whether or not a value is being waited for
 */
export function runSource(subscriber: Subscriber, run: SourceRun): () => void {
  const { turns, inTime = (value) => value } = run;
  let iterator: SourceIterator | undefined;
  let stopped = false;
  let hasTurn = false;
  let drained: (() => void) | undefined;
  subscriber.source = () => drained?.();

  const giveTurn = (): void => {
    if (hasTurn) turns?.give();
    hasTurn = false;
  };
  const takeTurn = async (): Promise<void> => {
    if (!turns || hasTurn || stopped) return;
    await turns.take();
    hasTurn = true;
  };
  /** Resolves when there is room in the sink and it is this source's turn, or it was stopped. */
  const ready = async (): Promise<void> => {
    while (subscriber.full && !stopped) {
      giveTurn();
      await new Promise<void>((resolve) => (drained = resolve));
      drained = undefined;
    }
    await takeTurn();
  };
  const finish = (): boolean => {
    giveTurn();
    if (stopped) return false;
    stopped = true;
    subscriber.source = undefined;
    drained?.();
    return true;
  };
  const stop = (): void => {
    if (finish()) void giveBack(iterator);
  };

  const pump = async (): Promise<void> => {
    for (let isFirst = true; ; isFirst = false) {
      await ready();
      if (stopped) return;
      iterator ??= iteratorOf(await inTime(Promise.resolve(run.open())));
      if (stopped) return giveBack(iterator);
      const next = await inTime(Promise.resolve(iterator.next()));
      // Before anything is written: what is no event fails, and a snapshot that fails at first has blanked nothing.
      const frame = next.done ? undefined : frameOf(next.value);
      // A heartbeat may have filled the sink meanwhile.
      await ready();
      if (stopped) return;
      if (isFirst && run.begun) {
        run.begun();
        await ready();
      }
      if (stopped || frame === undefined) return;
      subscriber.note(frame);
    }
  };

  pump().then(
    () => {
      if (finish()) run.done();
      giveTurn();
    },
    (error: unknown) => {
      if (finish()) {
        void giveBack(iterator);
        run.done(error);
      }
      giveTurn();
    },
  );
  return stop;
}
