import { expect, test } from 'vitest';
import { Chunks } from '../load/chunks.mjs';
import { marked, Scanner } from '../load/mark.mjs';

/** The numbers that are found in pieces of a chunked body. */
function found(size: number, pieces: Uint8Array[]): number[] {
  const numbers: number[] = [];
  const client = { take: (number: number) => numbers.push(number), malformed: () => numbers.push(-1) };
  const chunks = new Chunks();
  const scanner = new Scanner(size);
  for (const piece of pieces)
    chunks.split(piece, 0, piece.length, (bytes: Uint8Array, at: number, end: number) =>
      scanner.scan(bytes, at, end, client),
    );
  return numbers;
}

const chunk = (text: string): string => `${text.length.toString(16)};an=extension\r\n${text}\r\n`;

for (const size of [20, 50]) {
  const frames = [0, 1, 2].map((number) => `id: a1-${number}\ndata: ${marked(number, size)}\n\n`).join('');

  test(`marks of events of ${size} bytes are found wherever the stream is cut`, () => {
    const body = Buffer.from(chunk(frames));
    for (let a = 0; a < body.length; a++)
      for (let b = a; b < body.length; b += 3)
        expect(found(size, [body.subarray(0, a), body.subarray(a, b), body.subarray(b)])).toEqual([0, 1, 2]);
  });

  test(`marks of events of ${size} bytes are found wherever chunks end`, () => {
    for (let a = 1; a < frames.length - 1; a++)
      for (let b = a + 1; b < frames.length; b++) {
        const body = chunk(frames.slice(0, a)) + chunk(frames.slice(a, b)) + chunk(frames.slice(b));
        expect(found(size, [Buffer.from(body)])).toEqual([0, 1, 2]);
      }
  });
}

test('a mark that is none is told of', () => {
  expect(found(50, [Buffer.from(chunk(`data: @${'x'.repeat(49)}\n\n`))])).toEqual([-1]);
});
