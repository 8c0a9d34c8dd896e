import { median } from './measure.mjs';

/** A smaller difference of the medians is never a gain or a loss. */
const LEAST = 0.03;

/**
 * @typedef {object} Comparison
 * @property {number} ratio - median of the ratios this / other of all pairs
 * @property {number} low - the ratio's 95 % interval
 * @property {number} high
 * @property {'gain' | 'loss' | 'same'} verdict
 */

/**
 * Compares two builds by what was measured of them in pairs.
 *
 * A difference counts when the median of the ratios is more than 3 % away from 1 and its 95 % interval excludes 1.
 *
 * @param {number[]} ours - a figure of this build, one of each pair
 * @param {number[]} theirs - the same figure of the other build, in the same order
 * @param {'more' | 'less'} better - which of two figures is the better one
 * @returns {Comparison}
 */
export function compareFigures(ours, theirs, better) {
  const ratios = ours.map((figure, pair) => figure / theirs[pair]);
  const ratio = median(ratios);
  const { low, high } = medianInterval(ratios);
  const differs = Math.abs(ratio - 1) > LEAST && (low > 1 || high < 1);
  const verdict = differs ? (ratio > 1 === (better === 'more') ? 'gain' : 'loss') : 'same';
  return { ratio, low, high, verdict };
}

/**
 * The 95 % confidence interval of a median, between two of the values themselves (the sign test's): each value lies below
 * the true median with probability 1/2, so the number of those below it is binomial. It assumes nothing about how the
 * values are distributed. Of 9 values it lies between the second and the eighth.
 *
 * @param {number[]} values - independent; of fewer than 6 there is no such interval
 */
export function medianInterval(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  let skipped = 0;
  let ways = 1;
  for (let outside = ways; outside / 2 ** count <= 0.025; outside += ways) {
    skipped++;
    ways = (ways * (count - skipped + 1)) / skipped;
  }
  if (skipped === 0) return { low: -Infinity, high: Infinity };
  return { low: sorted[skipped - 1], high: sorted[count - skipped] };
}
