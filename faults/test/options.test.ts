import { expect, test } from 'vitest';
import { readOptions } from '../options.mjs';

test('a minute on both stores is the default, with a seed of its own', () => {
  expect(readOptions([])).toEqual({ seconds: 60, seed: expect.any(Number), stores: ['lmdb', 'redis'] });
  const given = readOptions(['--seconds', '5', '--seed', '17', '--store', 'redis']);
  expect(given).toEqual({ seconds: 5, seed: 17, stores: ['redis'] });
});

test.each([
  ['--seconds', '0'],
  ['--seconds', 'x'],
  ['--seed', '1.5'],
  ['--store', 'disk'],
  ['--sed', '1'],
])('%s %s is refused with a message', (...args) => {
  expect(() => readOptions(args)).toThrow(args[0]);
});
