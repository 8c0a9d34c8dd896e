import { SSEError } from '../errors.js';
import { utf8Length } from './utf8.js';

/** What a client receives. */
export interface SSEMessage<Name extends string = string, Data = string> {
  /** The last event id that the stream has set: for tinysse servers, the cursor of this event. */
  id: string;
  /** The event's name; `'message'` when it has none. */
  event: Name;
  /** The data: text whose lines are joined by LF, or what a codec made of it. */
  data: Data;
}

/** The messages of events with these types of data. */
export type MessageOf<Events> = {
  [Name in keyof Events & string]: SSEMessage<Name, Events[Name]>;
}[keyof Events & string];

declare const valid: unique symbol;
/** A channel's name that has been checked by {@link channelName}. */
export type ChannelName = string & { [valid]: 'channel' };
/** An event's name that has been checked by {@link eventName}. */
export type EventName = string & { [valid]: 'event' };

/** The longest names and keys, in UTF-8 bytes. */
const MAX_CHANNEL_BYTES = 255;
const MAX_EVENT_NAME_BYTES = 128;
export const MAX_KEY_BYTES = 128;

/** Names beginning so are the server's own events. */
export const RESERVED_PREFIX = 'tinysse:';
/** The server's word on where a stream stands: `id` its position, `data` the heartbeat interval in milliseconds. */
export const POSITION_EVENT = 'tinysse:position';
/** The server's word that events may be missing: `data` is `{ reason, lastEventId, resumedAt }`. */
export const RESET_EVENT = 'tinysse:reset';
/** The server's word that the present state follows, up to the next position with an id: `data` is `{ reason }`. */
export const SNAPSHOT_EVENT = 'tinysse:snapshot';

/**
 * What no name may contain: control characters (C0, DEL, C1), those that change the direction of the text around them
 * (Unicode's Bidi_Control), and lone surrogates, which have no UTF-8: on disk two such names would become one.
 */
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]/u;

function characterProblem(input: string): string {
  const found = FORBIDDEN.exec(input)?.[0] ?? '';
  if (found >= '\ud800') return 'must be well-formed Unicode, without lone surrogates';
  return `must not contain control characters${found > '\u009f' ? ' for the direction of text' : ''}`;
}

const nameProblem = (input: unknown, maxBytes: number): string | undefined => {
  if (typeof input !== 'string') return `must be a string, not ${input === null ? 'null' : typeof input}`;
  if (FORBIDDEN.test(input)) return characterProblem(input);
  // A UTF-16 unit is at most 3 bytes of UTF-8, so short names need no count.
  if (input.length * 3 > maxBytes && utf8Length(input) > maxBytes) return `must be at most ${maxBytes} UTF-8 bytes`;
  return undefined;
};

/**
 * Checks a channel's name: a non-empty, well-formed string of at most 255 UTF-8 bytes without control characters, also
 * those for the direction of text.
 * @throws SSEError INVALID_CHANNEL
 */
export function channelName(input: unknown): ChannelName {
  const problem = input === '' ? 'must not be empty' : nameProblem(input, MAX_CHANNEL_BYTES);
  if (problem) throw new SSEError('INVALID_CHANNEL', `channel ${quote(input)} ${problem}`);
  return input as ChannelName;
}

/**
 * Checks an event's name: at most 128 UTF-8 bytes, not beginning `tinysse:`, otherwise as a channel's name.
 * The empty name means an unnamed event, as it does on the wire.
 * @returns the name, or undefined for an unnamed event
 * @throws SSEError INVALID_EVENT, RESERVED_EVENT
 */
export function eventName(input: unknown): EventName | undefined {
  if (input === undefined || input === '') return undefined;
  const problem = nameProblem(input, MAX_EVENT_NAME_BYTES);
  if (problem) throw new SSEError('INVALID_EVENT', `event name ${quote(input)} ${problem}`);
  if ((input as string).startsWith(RESERVED_PREFIX))
    throw new SSEError(
      'RESERVED_EVENT',
      `event name ${quote(input)}: names beginning "${RESERVED_PREFIX}" are reserved`,
    );
  return input as EventName;
}

/**
 * Checks an idempotency key: a non-empty string of at most 128 UTF-8 bytes, otherwise as a channel's name.
 * @throws SSEError INVALID_KEY
 */
export function publishKey(input: unknown): string {
  const problem = input === '' ? 'must not be empty' : nameProblem(input, MAX_KEY_BYTES);
  if (problem) throw new SSEError('INVALID_KEY', `key ${quote(input)} ${problem}`);
  return input as string;
}

// Made when it is needed: a module must load where there is none, as in Jest's jsdom.
let strictUtf8: TextDecoder | undefined;

/**
 * Checks an event's data: a string, or bytes that are valid UTF-8.
 * @returns the data as a string
 * @throws SSEError INVALID_DATA
 */
export function eventData(input: unknown): string {
  if (typeof input === 'string') return input;
  if (!(input instanceof Uint8Array))
    throw new SSEError(
      'INVALID_DATA',
      `data must be a string or UTF-8 bytes, not ${input === null ? 'null' : typeof input}; JSON.stringify an object first`,
    );
  try {
    strictUtf8 ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return strictUtf8.decode(input);
  } catch (cause) {
    throw new SSEError('INVALID_DATA', 'data is not valid UTF-8; encode binary data first, as base64 for one', {
      cause,
    });
  }
}

function quote(input: unknown): string {
  const text = typeof input === 'string' ? JSON.stringify(input) : String(input);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
