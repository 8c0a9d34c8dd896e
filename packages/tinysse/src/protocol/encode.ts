import { utf8Length } from './utf8.js';

/**
 * The only writer of wire text. Everything here trusts its input: names and ids hold no control characters
 * (see event.ts), data may hold anything.
 * Source: WHATWG HTML, "Server-sent events", parsing an event stream.
 */

/** The fields of one event, in the order in which they are written. */
export interface EventFields {
  id?: string | undefined;
  event?: string | undefined;
  data: string;
}

// A lone CR ends a line too; passed through, what follows it would be read as a field of its own.
const LINE_END = /\r\n|\n|\r/;
const LINE_ENDS = /\r\n|\n|\r/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is what is looked for
const ONE_ASCII_LINE = /^[\x00-\x09\x0b\x0c\x0e-\x7f]*$/;

/** One event as wire text, with the blank line that dispatches it. Every line of `data` becomes a data field. */
export function encodeEvent({ id, event, data }: EventFields): string {
  const head = (id === undefined ? '' : `id: ${id}\n`) + (event === undefined ? '' : `event: ${event}\n`);
  const lines = LINE_END.test(data) ? data.replace(LINE_ENDS, '\ndata: ') : data;
  return `${head}data: ${lines}\n\n`;
}

/** The bytes that {@link encodeEvent} would give, without the id line: what limits on an event's size count. */
export function encodedLength(event: string | undefined, data: string): number {
  const lines = ONE_ASCII_LINE.test(data) ? data.length : utf8Length(data.replace(LINE_ENDS, '\ndata: '));
  return (event === undefined ? 0 : utf8Length(event) + 8) + lines + 8;
}

/** How long clients wait before they reconnect. @param ms - a non-negative integer */
export function encodeRetry(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** A comment: keeps a connection busy, seen by no one. @param text - one line */
export function encodeComment(text = ''): string {
  return `:${text}\n\n`;
}

/** A frame that sets the last event id and dispatches nothing (Chromium keeps it, Firefox and WebKit do not). */
export function encodeId(id: string): string {
  return `id: ${id}\n\n`;
}

// Made when it is needed: a module must load where there is none, as in Jest's jsdom.
let encoder: TextEncoder | undefined;
// Node's Buffer takes short texts from a pool: an array of its own for each costs a connection several times that.
const { Buffer } = globalThis as { Buffer?: { from(text: string): Uint8Array } };

/** Wire text as bytes; lone surrogates become U+FFFD. */
export const toBytes: (text: string) => Uint8Array = Buffer
  ? (text) => Buffer.from(text)
  : (text) => (encoder ??= new TextEncoder()).encode(text);
