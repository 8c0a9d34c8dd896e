import { expect, test } from 'vitest';
import { createDecoder } from '../../src/protocol/decode.js';
import { chunks, decodeChunks } from './decoding.js';

const decodeWithin = (limit: number, text: string, size: number) => {
  const seen: string[] = [];
  const decode = () => decodeChunks(chunks(Buffer.from(text), size), { limit, onEvent: ({ data }) => seen.push(data) });
  return { seen, decode };
};

for (const size of [1, 7, 1000]) {
  test(`a line beyond the limit throws LINE_TOO_LONG after what came before it, in chunks of ${size}`, () => {
    const { seen, decode } = decodeWithin(20, `data: a\n\n:${'x'.repeat(20)}\n\n`, size);
    expect(decode).toThrow(expect.objectContaining({ code: 'LINE_TOO_LONG' }));
    expect(seen).toEqual(['a']);
  });

  test(`a line that never ends throws LINE_TOO_LONG, in chunks of ${size}`, () => {
    expect(decodeWithin(20, 'x'.repeat(21), size).decode).toThrow(expect.objectContaining({ code: 'LINE_TOO_LONG' }));
  });

  test(`an event beyond the limit throws EVENT_TOO_LONG after what came before it, in chunks of ${size}`, () => {
    const { seen, decode } = decodeWithin(20, `data: a\n\n${`data: ${'x'.repeat(10)}\n`.repeat(2)}\n`, size);
    expect(decode).toThrow(expect.objectContaining({ code: 'EVENT_TOO_LONG' }));
    expect(seen).toEqual(['a']);
  });

  test(`a line and an event at the limit pass, in chunks of ${size}`, () => {
    const { seen, decode } = decodeWithin(20, `data: ${'x'.repeat(14)}\ndata: ${'y'.repeat(5)}\n\n`, size);
    decode();
    expect(seen).toEqual([`${'x'.repeat(14)}\n${'y'.repeat(5)}`]);
  });
}

/** Milliseconds that a line of `bytes` takes in chunks of `size`. */
function timeLine(bytes: number, size: number): number {
  const chunk = new Uint8Array(size).fill(0x78);
  let got = 0;
  const decoder = createDecoder({ onEvent: ({ data }) => (got = data.length) });
  const started = performance.now();
  decoder.feed(Buffer.from('data:'));
  for (let sent = 0; sent < bytes; sent += size) decoder.feed(chunk);
  decoder.feed(Buffer.from('\n\n'));
  expect(got).toBe(bytes);
  return performance.now() - started;
}

test.each([1, 128, 65_536])('a line of 15 MiB in chunks of %i bytes costs in proportion to its length', (size) => {
  const unit = 100 * 65_536;
  timeLine(unit / 10, size);
  const small = timeLine(unit / 5, size);
  // Twelve times the bytes; a decoder that scans or copies what it holds for every chunk would take 144 times as long.
  expect(timeLine((unit / 5) * 12, size)).toBeLessThan(small * 60 + 100);
});
