import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCursor, parseCursor, randomEpoch } from '../../src/protocol/cursor.js';

test('a cursor that was written is read as it was', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (offset) => {
      const epoch = randomEpoch();
      expect(parseCursor(formatCursor(epoch, offset))).toEqual({ epoch, offset });
    }),
  );
});

test.each([
  '',
  'earliest',
  '5',
  '-5',
  '0123456789abcdef',
  '0123456789abcdef-',
  '0123456789abcdef--1',
  '0123456789abcdef-01',
  '0123456789abcdef-1.5',
  '0123456789abcdef-1e3',
  '0123456789ABCDEF-1',
  '0123456789abcde-1',
  '0123456789abcdef0-1',
  ' 0123456789abcdef-1',
  '0123456789abcdef-1\n',
  '0123456789abcdef-9007199254740992',
])('%j is no cursor', (text) => {
  expect(parseCursor(text)).toBeUndefined();
});

test('epochs are 16 hexadecimal digits and do not repeat', () => {
  const epochs = Array.from({ length: 100 }, randomEpoch);
  for (const epoch of epochs) expect(epoch).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set(epochs).size).toBe(100);
});
