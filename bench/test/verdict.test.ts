import { describe, expect, test } from 'vitest';
import { compareFigures, medianInterval } from '../lib/verdict.mjs';

const theirs = [100, 101, 99, 102, 98, 100, 103, 97, 100];
const times = (factors: number[]): number[] => theirs.map((figure, i) => figure * (factors[i] ?? Number.NaN));

describe('the comparison of two builds', () => {
  test('is a loss when less is better and every pair shows more', () => {
    const { ratio, verdict } = compareFigures(
      times([1.05, 1.06, 1.04, 1.05, 1.07, 1.05, 1.03, 1.05, 1.06]),
      theirs,
      'less',
    );
    expect(verdict).toBe('loss');
    expect(ratio).toBeCloseTo(1.05);
  });

  test('is a gain when more is better and every pair shows more, and a loss when every pair shows less', () => {
    expect(compareFigures(times(Array(9).fill(1.05)), theirs, 'more').verdict).toBe('gain');
    expect(compareFigures(times(Array(9).fill(0.95)), theirs, 'more').verdict).toBe('loss');
  });

  test('is none when the difference is certain but not above 3 %', () => {
    const { low, verdict } = compareFigures(times(Array(9).fill(1.029)), theirs, 'less');
    expect(low).toBeGreaterThan(1);
    expect(verdict).toBe('same');
  });

  test('is none when the median differs but two of nine pairs say the opposite', () => {
    expect(compareFigures(times([1.2, 1.3, 0.9, 1.2, 1.1, 1.2, 0.8, 1.2, 1.3]), theirs, 'less').verdict).toBe('same');
    expect(compareFigures(times([1.2, 1.3, 1.1, 1.2, 1.1, 1.2, 0.8, 1.2, 1.3]), theirs, 'less').verdict).toBe('loss');
  });

  test('looks at pairs: a machine that is slow for a whole pair makes no difference', () => {
    const drift = theirs.map((figure, i) => figure * 2 ** i);
    expect(compareFigures(drift, drift, 'less')).toEqual({ ratio: 1, low: 1, high: 1, verdict: 'same' });
  });
});

test("a median's interval leaves out at most 2.5 % of the binomial distribution on each side", () => {
  const values = (count: number) => Array.from({ length: count }, (_, i) => i + 1).reverse();
  expect(medianInterval(values(5))).toEqual({ low: -Infinity, high: Infinity });
  expect(medianInterval(values(6))).toEqual({ low: 1, high: 6 });
  expect(medianInterval(values(9))).toEqual({ low: 2, high: 8 });
  expect(medianInterval(values(15))).toEqual({ low: 4, high: 12 });
  expect(medianInterval(values(101))).toEqual({ low: 41, high: 61 });
});
