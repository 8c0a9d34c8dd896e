import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Merge, type Run } from '../../src/log/merge.js';

/** A run over sorted numbers. */
function runOver(numbers: readonly number[]): Run {
  let at = 0;
  return {
    get offset() {
      return numbers[at] ?? Number.POSITIVE_INFINITY;
    },
    advance: () => void at++,
  };
}

function merged(runs: readonly (readonly number[])[]): number[] {
  const merge = new Merge(runs.map(runOver));
  const numbers: number[] = [];
  for (let run = merge.lowest; run; run = merge.lowest) {
    numbers.push(run.offset);
    merge.advance();
  }
  return numbers;
}

const sorted = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((a, b) => a - b);
/** From runs that share nearly everything to runs that share nothing. */
const runs = fc
  .constantFrom(3, 30, 100_000)
  .chain((max) => fc.array(fc.array(fc.nat({ max }), { maxLength: 30 }).map(sorted), { maxLength: 40 }));

test('merged runs give every number once, in order', () => {
  fc.assert(
    fc.property(runs, (some) => {
      expect(merged(some)).toEqual(sorted(some.flat()));
    }),
    { numRuns: 500 },
  );
});

test('a merge that stops early has advanced no run further than it said', () => {
  fc.assert(
    fc.property(runs, fc.nat({ max: 50 }), (some, steps) => {
      const own = some.map(runOver);
      const merge = new Merge([...own]);
      for (let i = 0; i < steps; i++) merge.advance();
      const left = sorted(some.flat())[steps] ?? Number.POSITIVE_INFINITY;
      expect(merge.lowest?.offset ?? Number.POSITIVE_INFINITY).toBe(left);
      expect(own.map(({ offset }) => offset)).toEqual(
        some.map((numbers) => numbers.find((number) => number >= left) ?? Number.POSITIVE_INFINITY),
      );
    }),
    { numRuns: 500 },
  );
});
