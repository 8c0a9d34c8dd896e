import { memoryLog, type SSEError } from 'tinysse';
import { logSuite } from 'tinysse/testing';
import { describe, expect, test } from 'vitest';

describe('memoryLog keeps the contract of a log', () => {
  for (const { name, run } of logSuite) test(name, () => run(memoryLog));
});

describe('memoryLog', () => {
  test('begins a new epoch each time', async () => {
    const [one, two] = [await memoryLog().head(), await memoryLog().head()];
    expect(one.epoch).not.toBe(two.epoch);
  });

  test.each([0, -1, 1.5, Number.NaN, '5' as unknown as number])(
    'refuses %s as a limit and names the option',
    (value) => {
      expect(() => memoryLog({ maxBytes: value })).toThrow(
        expect.objectContaining<Partial<SSEError>>({
          code: 'INVALID_OPTION',
          message: expect.stringContaining('maxBytes'),
        }),
      );
    },
  );
});
