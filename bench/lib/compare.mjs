import { isOurs, measureOnce, titleOf, violationsOf } from './case.mjs';
import { median } from './measure.mjs';
import { ROOT } from './processes.mjs';
import { subjects } from './subjects.mjs';
import { compareFigures } from './verdict.mjs';

/**
 * @typedef {import('./verdict.mjs').Comparison & { column: string, ours: number, theirs: number }} Line
 * @typedef {object} Compared - a case of two builds
 * @property {string} name
 * @property {string} what
 * @property {number} pairs
 * @property {number} seconds - how long it took
 * @property {{ title: string, lines: Line[], cannot?: string }[]} rows
 * @property {string[]} losses
 * @property {string[]} violations - of this build
 * @property {string[]} remarks - violations of the other build
 */

/** Results by case and subject, for cases that share them. */
const known = new Map();

/**
 * Compares this build with another in one case.
 *
 * @param {import('../cases/index.mjs').Case} one
 * @param {{ root: string, name: string }} other
 * @param {{ pairs: number, progress: (text: string) => void }} options
 * @returns {Promise<Compared>}
 */
export async function compareCase(one, other, { pairs, progress }) {
  const began = performance.now();
  const compared = { name: one.name, what: one.what, pairs, rows: [], losses: [], violations: [], remarks: [] };
  // What is measured less often is measured by another case as well, or no bar asks for it.
  const names = one.subjects.filter((name) => isOurs(one, name) && !one.lessOften?.includes(name));
  for (const name of names) await compareSubject(one, name, other, compared, { pairs, progress });
  return { ...compared, seconds: (performance.now() - began) / 1000 };
}

async function compareSubject(one, name, other, compared, options) {
  const title = titleOf(one, name);
  const absent = subjects[name]?.absent?.();
  if (absent !== undefined) return compared.rows.push({ title, lines: [], cannot: absent });
  const key = `${one.sharedWith ?? one.name} ${name}`;
  try {
    if (!known.has(key)) known.set(key, await measurePairs(one, name, other, options));
    let lines = linesOf(one, known.get(key));
    if (lines.some(({ verdict }) => verdict === 'loss')) {
      // Among so many figures some differ by chance: a loss must be found a second time, by new pairs.
      const again = linesOf(one, await measurePairs(one, name, other, { ...options, why: ', again' }));
      lines = lines.map((line, i) => (line.verdict === 'loss' ? again[i] : line));
    }
    compared.rows.push({ title, lines });
    for (const { verdict, column, ratio } of lines)
      if (verdict === 'loss')
        compared.losses.push(`${one.name}: ${title}: ${column}: ${ratio.toFixed(3)} × ${other.name}`);
    const { ours, theirs } = known.get(key);
    compared.violations.push(...ours.flatMap((result) => violationsOf(one, name, result)));
    compared.remarks.push(...theirs.flatMap((result) => violationsOf(one, name, result)));
  } catch (error) {
    const [reason] = error.message.split('\n');
    compared.rows.push({ title, lines: [], cannot: reason });
    if (error.ours) compared.losses.push(`${one.name}: ${title}: ${reason}`);
  }
}

/** Measures both builds in turn; which of them is first changes from pair to pair. */
async function measurePairs(one, name, other, { pairs, progress, why = '' }) {
  const measured = { ours: [], theirs: [] };
  const measure = async (ours, root, build) => {
    try {
      measured[ours ? 'ours' : 'theirs'].push(await measureOnce(one, name, { root }));
    } catch (error) {
      throw Object.assign(new Error(`${build} failed: ${error.message}`), { ours });
    }
  };
  for (let pair = 0; pair < pairs; pair++) {
    progress(`${titleOf(one, name)}: pair ${pair + 1} of ${pairs}${why}`);
    const turns = [() => measure(true, ROOT, 'this build'), () => measure(false, other.root, other.name)];
    for (const turn of pair % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  return measured;
}

/** The figures of which one is better than another. */
function linesOf(one, { ours, theirs }) {
  return one.columns
    .filter(({ better }) => better !== undefined)
    .map(({ title, figure, better }) => {
      const [a, b] = [ours.map(figure), theirs.map(figure)];
      return { column: title, ours: median(a), theirs: median(b), ...compareFigures(a, b, better) };
    });
}
