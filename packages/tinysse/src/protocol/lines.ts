const LF = 10;
const CR = 13;

// So much is decoded at once: it stays in the young heap, and where it holds no wide character it becomes a
// one-byte string, which is scanned faster. bench: decode
const PIECE_BYTES = 1536;

/** Room for so many bytes is kept for the next lines, whatever they need. */
const LARGEST_KEPT = 2 ** 20;

/**
 * Cuts a stream of bytes into text of whole lines. A byte order mark at
 * the very beginning is dropped. A CR ends its line at once; an LF that comes after it belongs to it.
 *
 * Only whole lines are decoded: no character spans a line's end, and Node decodes a `stream` several times slower.
 */
export abstract class Lines {
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  /** What the next text may begin with that is not part of it. */
  #skip = '\ufeff';
  // Room grows by doubling, so that a long line costs no more than its length in however many pieces.
  #held = new Uint8Array(0);
  #length = 0;

  /** Takes one or more whole lines. */
  protected abstract decode(text: string): void;

  /**
   * Takes the next bytes, however they are split. It does not keep the array.
   * @returns how many bytes it holds of a line that has not ended
   */
  protected take(bytes: Uint8Array): number {
    const length = this.#length;
    const all = length + bytes.length;
    let held = this.#held;
    if (all > held.length) {
      held = new Uint8Array(all * 2);
      held.set(this.#held);
      this.#held = held;
    }
    held.set(bytes, length);
    let end = all;
    while (end > length && held[end - 1] !== LF && held[end - 1] !== CR) end--;
    if (end === length) end = 0;
    for (let at = 0, next: number; at < end; at = next) {
      // Node searches an array of bytes several times slower by `indexOf`. bench: decode
      next = at + PIECE_BYTES;
      while (next < end && held[next - 1] !== LF && (held[next - 1] !== CR || held[next] === LF)) next++;
      let text = this.#utf8.decode(held.subarray(at, Math.min(next, end)));
      if (text.startsWith(this.#skip)) text = text.slice(this.#skip.length);
      this.#skip = text.endsWith('\r') ? '\n' : '';
      this.decode(text);
    }
    // One large event must not hold its room for as long as the stream lasts.
    if (held.length > LARGEST_KEPT && all - end < LARGEST_KEPT / 4) this.#held = held.slice(end, all);
    else held.copyWithin(0, end, all);
    return (this.#length = all - end);
  }
}
