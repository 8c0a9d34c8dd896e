import { SSEError } from '../errors.js';
import type { SSEMessage } from './event.js';
import { createLines } from './lines.js';

/** What a decoder reports, in the order of the stream. */
export interface DecoderOptions {
  /**
   * A dispatched event.
   * @param ownId - whether an `id` field stood in the event's own block; if not, `id` is that of an earlier one
   */
  onEvent(message: SSEMessage, ownId: boolean): void;
  /** A `retry` field: whole milliseconds, digits only. */
  onRetry?(ms: number): void;
  /** The last event id before the first `id` field. Default: empty. */
  lastEventId?: string;
  /**
   * The longest line that is waited for, in bytes, and the longest line and data of an event, in UTF-16 units, of
   * which a byte gives at most one. Default: 16 Mi.
   */
  limit?: number;
}

/** An event stream on its way from bytes to events. */
export interface Decoder {
  /**
   * Takes the next bytes of the stream, however they are split, and reports what they complete before it returns.
   * The array is not kept. What a callback throws, `feed` throws; the decoder is of no use afterwards.
   * @throws SSEError LINE_TOO_LONG, EVENT_TOO_LONG: after every event before the one that is too long
   */
  feed(bytes: Uint8Array): void;
  /** The standard's "last event ID string": the last `id` whose block has ended. */
  readonly lastEventId: string;
}

const LF = 10;
const SPACE = 32;
const COLON = 58;
const LETTER_A = 97;
const LETTER_D = 100;
const LETTER_I = 105;
const LETTER_T = 116;

/**
 * An incremental decoder of event streams.
 * Source: WHATWG HTML, "Server-sent events", interpreting an event stream.
 *
 * @example
 * const decoder = createDecoder({ onEvent: (message) => console.log(message.data) });
 * for await (const bytes of response.body) decoder.feed(bytes);
 */
export function createDecoder(options: DecoderOptions): Decoder {
  const { onEvent, onRetry, limit = 2 ** 24 } = options;
  let lastEventId = options.lastEventId ?? '';
  let id = lastEventId;
  let ownId = false;
  let pendingEvent = '';
  let pendingData: string | undefined;

  const check = (code: 'LINE_TOO_LONG' | 'EVENT_TOO_LONG', length: number): void => {
    if (length > limit) throw new SSEError(code, `more than ${limit}`);
  };

  // One function on local variables, names compared unit by unit where lines are many: helpers and variables of the
  // closure cost a fifth of the speed. bench: decode
  const takeLines = createLines((text) => {
    let event = pendingEvent;
    let data = pendingData;
    for (let start = 0, end: number; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
      check('LINE_TOO_LONG', end - start);
      const first = text.charCodeAt(start);
      if (first === COLON) continue;
      if (first !== LF) {
        // Looked for where the standard's names end, then searched.
        let colon = start + (first === LETTER_I ? 2 : first === LETTER_D ? 4 : 5);
        if (colon >= end || text.charCodeAt(colon) !== COLON) {
          colon = text.slice(start, end).indexOf(':') + start;
          if (colon < start) colon = end;
        }
        const value = text.slice(colon + (text.charCodeAt(colon + 1) === SPACE ? 2 : 1), end);
        if (
          colon === start + 4 &&
          first === LETTER_D &&
          text.charCodeAt(start + 1) === LETTER_A &&
          text.charCodeAt(start + 2) === LETTER_T &&
          text.charCodeAt(start + 3) === LETTER_A
        ) {
          data = data === undefined ? value : `${data}\n${value}`;
          check('EVENT_TOO_LONG', data.length);
        } else {
          const name = text.slice(start, colon);
          if (name === 'event') event = value;
          else if (name === 'id') {
            if (!value.includes('\0')) {
              id = value;
              ownId = true;
            }
          } else if (name === 'retry' && /^\d+$/.test(value)) onRetry?.(+value);
        }
        // A block mostly ends here, which spares the search for its blank line.
        if (text.charCodeAt(end + 1) !== LF) continue;
        end++;
      }
      lastEventId = id;
      const message = data === undefined ? undefined : { id, event: event || 'message', data };
      const own = ownId;
      event = '';
      data = undefined;
      ownId = false;
      if (message) onEvent(message, own);
    }
    pendingEvent = event;
    pendingData = data;
  });

  return {
    feed: (bytes) => check('LINE_TOO_LONG', takeLines(bytes)),
    get lastEventId() {
      return lastEventId;
    },
  };
}
