/**
 * The mark that every event carries at the start of its data: `@`, ten digits of microseconds since the generator
 * began, eight digits of the event's number, `;`. Nothing else on the wire may hold an `@`.
 */
export const MARK = 20;

const AT = 64;
const SEMICOLON = 59;
const ZERO = 48;

/** Microseconds since the generator began. */
export const microseconds = () => Math.floor(performance.now() * 1000);

/** An event's data: its mark, and `x` up to `size` bytes. */
export function marked(number, size) {
  const time = String(microseconds()).padStart(10, '0');
  return `@${time}${String(number).padStart(8, '0')};`.padEnd(size, 'x');
}

/**
 * Finds marks in the pieces of one stream, wherever the stream is cut.
 *
 * It jumps over the padding instead of looking at it: a server that leaves some out loses the next mark, which the
 * check then misses.
 */
export class Scanner {
  #padding;
  #skip = 0;
  #partial = new Uint8Array(MARK);
  #held = 0;

  /** @param {number} size - bytes of data in an event */
  constructor(size) {
    this.#padding = size - MARK;
  }

  /**
   * Scans `bytes` from `at` up to `end`.
   *
   * @param {{ take(number: number, time: number): void, malformed(): void }} client
   */
  scan(bytes, at, end, client) {
    if (this.#held > 0) {
      while (this.#held < MARK && at < end) this.#partial[this.#held++] = bytes[at++];
      if (this.#held < MARK) return;
      this.#held = 0;
      at += this.#read(this.#partial, 0, client);
    } else at += this.#skip;
    for (;;) {
      while (at < end && bytes[at] !== AT) at++;
      if (at + MARK > end) break;
      at += MARK + this.#read(bytes, at, client);
    }
    this.#skip = Math.max(0, at - end);
    while (at < end) this.#partial[this.#held++] = bytes[at++];
  }

  /** Reads the mark at `at`. @returns how many bytes of padding follow */
  #read(bytes, at, client) {
    let time = 0;
    let number = 0;
    for (let i = at + 1; i < at + 11; i++) time = time * 10 + bytes[i] - ZERO;
    for (let i = at + 11; i < at + 19; i++) number = number * 10 + bytes[i] - ZERO;
    if (bytes[at + 19] === SEMICOLON && time >= 0 && number >= 0) {
      client.take(number, time);
      return this.#padding;
    }
    client.malformed();
    return 0;
  }
}
