const CR = 13;
const LF = 10;

/** Takes the chunked coding off the pieces of one response body, however they are cut. Source: RFC 9112, section 7.1. */
export class Chunks {
  #left = 0;
  #size = 0;
  /** Whether the rest of a size line is to be passed over: an extension, its CR. */
  #sized = false;
  #state = 'size';
  /** Whether the last chunk, of no bytes, has come. */
  ended = false;

  /** @param {(bytes: Uint8Array, at: number, end: number) => void} body */
  split(bytes, at, end, body) {
    while (at < end) {
      if (this.#state === 'data') {
        const stop = Math.min(end, at + this.#left);
        body(bytes, at, stop);
        this.#left -= stop - at;
        at = stop;
        if (this.#left === 0) this.#state = 'end';
        continue;
      }
      const byte = bytes[at++];
      if (this.#state === 'end') {
        if (byte === LF) this.#state = 'size';
      } else if (byte === LF) {
        this.#left = this.#size;
        this.#state = this.#size > 0 ? 'data' : 'end';
        this.ended = this.#size === 0;
        this.#size = 0;
        this.#sized = false;
      } else {
        const digit = hex(byte);
        if (digit < 0) this.#sized = byte !== CR || this.#sized;
        else if (!this.#sized) this.#size = this.#size * 16 + digit;
      }
    }
  }
}

function hex(byte) {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
