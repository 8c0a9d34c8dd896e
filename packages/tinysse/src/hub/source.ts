import { encodeEvent } from '../protocol/encode.js';
import { eventData, eventName } from '../protocol/event.js';
import type { Subscriber } from './subscriber.js';

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

/** Ends an iterator. One that fails while it is being thrown away has nobody left to tell. */
async function giveBack(iterator: SourceIterator): Promise<void> {
  try {
    await iterator.return?.();
  } catch {}
}

/**
 * Lets `source` write to `subscriber` before the log does. The subscriber's position stays where it is meanwhile,
 * so that a snapshot followed by live events has no hole.
 *
 * @param done - called once when the source has ended (no error) or failed; not when it was stopped
 * @returns stops the source: its `return()` is called, whether or not a value is being waited for
 */
export function runSource(subscriber: Subscriber, source: Source, done: (error?: unknown) => void): () => void {
  let iterator: SourceIterator;
  try {
    iterator = iteratorOf(source);
  } catch (error) {
    done(error);
    return () => {};
  }
  let stopped = false;
  let drained: (() => void) | undefined;
  subscriber.source = () => drained?.();

  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    subscriber.source = undefined;
    drained?.();
    void giveBack(iterator);
  };

  const pump = async (): Promise<void> => {
    while (!stopped) {
      if (subscriber.full) await new Promise<void>((resolve) => (drained = resolve));
      drained = undefined;
      if (stopped) return;
      const next = await iterator.next();
      if (next.done || stopped) return;
      const { event, data } = next.value;
      subscriber.note(encodeEvent({ event: eventName(event), data: eventData(data) }));
    }
  };

  pump().then(
    () => {
      if (stopped) return;
      stopped = true;
      subscriber.source = undefined;
      done();
    },
    (error: unknown) => {
      if (stopped) return;
      stop();
      done(error);
    },
  );
  return stop;
}
