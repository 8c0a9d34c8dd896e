import { SSEError, type SSEIssue } from '../errors.js';
import type { PublishInput } from '../hub/publish.js';
import { iteratorOf, type Source, type SourceEvent } from '../hub/source.js';
import type { Codec } from '../protocol/codec.js';

/** Data that needs no codec: strings, or bytes that are valid UTF-8. */
export type Raw = Record<string, string | Uint8Array>;

/** The data of one event; `never` where the events are known and this is none of them. */
export type DataOf<Events, Name extends string> = Name extends keyof Events ? Events[Name] : never;

/** An event with its data; the name may be left out of the one that is called `message`. */
export type EventOf<Events> = string extends keyof Events
  ? { event?: string | undefined; data: Events[keyof Events] }
  : {
      [Name in keyof Events & string]: 'message' extends Name
        ? { event?: 'message' | '' | undefined; data: Events[Name] }
        : { event: Name; data: Events[Name] };
    }[keyof Events & string];

/** An event to publish, with the data that a codec takes. */
export type SendInput<Events> = Omit<PublishInput, 'event' | 'data'> & EventOf<Events>;

/** An event with its data as text. @throws SSEError INVALID_DATA */
export function encoded<Input extends { event?: string | undefined; data: unknown }>(codec: Codec, input: Input) {
  const name = input.event || 'message';
  try {
    return { ...input, data: codec.encode(input.data, name) };
  } catch (cause) {
    const { issues } = Object(cause) as { issues?: readonly SSEIssue[] };
    throw new SSEError('INVALID_DATA', `the codec refuses "${name}": ${cause}`, { cause, issues, outcome: 'rejected' });
  }
}

/** A source whose data becomes text as it is pulled. */
export function encodedSource(codec: Codec, source: Source<unknown>): Source {
  return {
    [Symbol.asyncIterator]() {
      const iterator = iteratorOf(source as Source);
      return {
        async next() {
          const next = await iterator.next();
          return next.done ? next : { value: encoded(codec, next.value) as SourceEvent };
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
