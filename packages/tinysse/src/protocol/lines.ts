const LF = 10;
const CR = 13;

// So much is decoded at once: it stays in the young heap, and where it holds no wide character it becomes a
// one-byte string, which is scanned faster. bench: decode
const PIECE_BYTES = 1024;

/**
 * Cuts a stream of bytes into text of whole lines, each ended by LF whatever ended it before. A byte order mark at
 * the very beginning is dropped. A CR ends its line at once; an LF that comes after it belongs to it.
 *
 * Only whole lines are decoded: no character spans a line's end, and Node decodes a `stream` several times slower.
 *
 * @param onLines - takes one or more whole lines
 * @returns what takes the bytes, however they are split, and returns how many it holds of a line that has not ended.
 * It does not keep the array
 */
export function createLines(onLines: (text: string) => void): (bytes: Uint8Array) => number {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  /** What the next text may begin with that is not part of it. */
  let skip = '\ufeff';
  // Room grows by doubling, so that a long line costs no more than its length in however many pieces.
  let held = new Uint8Array(0);
  let length = 0;

  return (bytes) => {
    let end = length + bytes.length;
    if (end > held.length) {
      const old = held;
      held = new Uint8Array(end * 2);
      held.set(old);
    }
    held.set(bytes, length);
    const all = end;
    while (end > length && held[end - 1] !== LF && held[end - 1] !== CR) end--;
    if (end === length) end = 0;
    for (let at = 0, next: number; at < end; at = next) {
      next = Math.min(held.indexOf(LF, at + PIECE_BYTES) + 1 || end, end);
      let text = utf8.decode(held.subarray(at, next));
      if (text.startsWith(skip)) text = text.slice(skip.length);
      skip = text.endsWith('\r') ? '\n' : '';
      onLines(text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);
    }
    held.copyWithin(0, end, all);
    length = all - end;
    return length;
  };
}
