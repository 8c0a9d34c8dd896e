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
const CR = 13;
const SPACE = 32;
const COLON = 58;
const LETTER_D = 100;
const LETTER_E = 101;
const LETTER_I = 105;

// As a mask it makes the highest number of -1, which `indexOf` gives: nothing comes before the text's end.
const NOWHERE = 2 ** 31 - 1;

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
  readonly #limit: number;
  #id: string;
  #ownId = false;
  #event = '';
  #data: string | undefined;

  constructor(options: DecoderOptions) {
    super();
    this.#options = options;
    this.#limit = options.limit ?? 2 ** 24;
    this.#id = this.lastEventId = options.lastEventId ?? '';
  }

  feed(bytes: Uint8Array): void {
    this.#check('LINE_TOO_LONG', this.take(bytes));
  }

  #check(code: 'LINE_TOO_LONG' | 'EVENT_TOO_LONG', length: number): void {
    if (length > this.#limit) throw new SSEError(code, `more than ${this.#limit}`);
  }

  protected decode(text: string): void {
    const { length } = text;
    let event = this.#event;
    let data = this.#data;
    // Where each kind of line end is next. Text without CR is searched for one only once.
    let cr = text.indexOf('\r') & NOWHERE;
    let lf = -1;
    for (let start = 0, next: number; start < length; start = next) {
      if (cr < start) cr = text.indexOf('\r', start) & NOWHERE;
      if (lf < start) lf = text.indexOf('\n', start) & NOWHERE;
      const end = Math.min(cr, lf);
      next = end + (text.startsWith('\r\n', end) ? 2 : 1);
      this.#check('LINE_TOO_LONG', end - start);
      if (end > start) {
        // Only where a known name would end is looked for its colon. A comment has the empty name.
        const first = text.charCodeAt(start);
        const colon = start + (first === LETTER_D ? 4 : first === LETTER_I ? 2 : 5);
        if (colon === end || (colon < end && text.charCodeAt(colon) === COLON)) {
          const value = text.slice(colon + (text.charCodeAt(colon + 1) === SPACE ? 2 : 1), end);
          // Engines compare up to three known characters without a call. bench: decode
          if (first === LETTER_D && text.startsWith('ata', start + 1)) {
            data = data === undefined ? value : `${data}\n${value}`;
            this.#check('EVENT_TOO_LONG', data.length);
          } else if (first === LETTER_E && text.startsWith('vent', start + 1)) event = value;
          else if (first === LETTER_I && text.startsWith('d', start + 1)) {
            if (!value.includes('\0')) {
              this.#id = value;
              this.#ownId = true;
            }
          } else if (text.startsWith('retry', start) && /^\d+$/.test(value)) this.#options.onRetry?.(+value);
        }
        // A block mostly ends here, which spares the search for its blank line. To look beyond the text's end would
        // slow every look. bench: decode
        const after = next < length ? text.charCodeAt(next) : 0;
        if (after !== LF && after !== CR) continue;
        next += text.startsWith('\r\n', next) ? 2 : 1;
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
