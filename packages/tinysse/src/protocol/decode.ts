import { SSEError } from '../errors.js';
import type { SSEMessage } from './event.js';
import { Lines } from './lines.js';

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
const LETTER_D = 100;
const LETTER_I = 105;

/**
 * An incremental decoder of event streams.
 * Source: WHATWG HTML, "Server-sent events", interpreting an event stream.
 *
 * @example
 * const decoder = createDecoder({ onEvent: (message) => console.log(message.data) });
 * for await (const bytes of response.body) decoder.feed(bytes);
 */
export const createDecoder = (options: DecoderOptions): Decoder => new StreamDecoder(options);

// A class, not closures: engines compile a method once for all decoders, and closures anew for the second. bench: decode
class StreamDecoder extends Lines implements Decoder {
  lastEventId: string;
  readonly #options: DecoderOptions;
  #id: string;
  #ownId = false;
  #event = '';
  #data: string | undefined;

  constructor(options: DecoderOptions) {
    super();
    this.#options = options;
    this.#id = this.lastEventId = options.lastEventId ?? '';
  }

  feed(bytes: Uint8Array): void {
    this.#check('LINE_TOO_LONG', this.take(bytes));
  }

  #check(code: 'LINE_TOO_LONG' | 'EVENT_TOO_LONG', length: number): void {
    const { limit = 2 ** 24 } = this.#options;
    if (length > limit) throw new SSEError(code, `more than ${limit}`);
  }

  protected decode(text: string): void {
    let event = this.#event;
    let data = this.#data;
    for (let start = 0, end: number; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
      this.#check('LINE_TOO_LONG', end - start);
      const first = text.charCodeAt(start);
      if (first !== LF) {
        // Looked for where the standard's names end, then searched. A comment has the empty name.
        let colon = start + (first === LETTER_I ? 2 : first === LETTER_D ? 4 : 5);
        if (colon >= end || text.charCodeAt(colon) !== COLON) {
          colon = text.slice(start, end).indexOf(':') + start;
          if (colon < start) colon = end;
        }
        const value = text.slice(colon + (text.charCodeAt(colon + 1) === SPACE ? 2 : 1), end);
        const name = text.slice(start, colon);
        if (name === 'data') {
          data = data === undefined ? value : `${data}\n${value}`;
          this.#check('EVENT_TOO_LONG', data.length);
        } else if (name === 'event') event = value;
        else if (name === 'id') {
          if (!value.includes('\0')) {
            this.#id = value;
            this.#ownId = true;
          }
        } else if (name === 'retry' && /^\d+$/.test(value)) this.#options.onRetry?.(+value);
        // A block mostly ends here, which spares the search for its blank line. To look beyond the text's end would
        // slow every look. bench: decode
        if (end + 1 === text.length || text.charCodeAt(end + 1) !== LF) continue;
        end++;
      }
      const id = (this.lastEventId = this.#id);
      if (data !== undefined) this.#options.onEvent({ id, event: event || 'message', data }, this.#ownId);
      event = '';
      data = undefined;
      this.#ownId = false;
    }
    this.#event = event;
    this.#data = data;
  }
}
