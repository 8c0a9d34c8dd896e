/**
 * Orders names by code point, as stores that sort the bytes of UTF-8 do: `<` of JavaScript puts characters that take a
 * surrogate pair before some of those that do not.
 * @returns below 0 when `a` comes first, above 0 when `b` does, 0 when they are equal
 */
export function byCodePoint(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above all others. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
