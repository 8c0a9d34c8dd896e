import { alternate, loadServer, median } from './measure.mjs';
import { subjects } from './subjects.mjs';

/**
 * @typedef {object} Outcome
 * @property {string} name
 * @property {string} what
 * @property {number} runs
 * @property {number} seconds - how long it took
 * @property {string[]} columns
 * @property {{ title: string, ours: boolean, absent?: string, figures: number[], spread: number[][], note: string }[]} rows
 * @property {import('./bar.mjs').Bar[]} bars
 * @property {string[]} violations - of ours
 * @property {string[]} remarks - violations of peers
 * @property {{ title: string, column: string, better: string, bars: { title: string, ours: boolean, value: number }[] }} [chart]
 */

/** Results by case, for cases that share them. */
const known = new Map();

/**
 * Runs a case.
 *
 * @param {import('../cases/index.mjs').Case} one
 * @param {{ quick: boolean, runs?: number, progress: (text: string) => void }} options
 * @returns {Promise<Outcome>}
 */
export async function runCase(one, { quick, runs: asked, progress }) {
  const runs = quick ? 1 : (asked ?? one.runs);
  const once = (name) => measureOnce(one, name, { quick });
  // What only counts losses needs no peers, unless it is what ours must agree with.
  const subjects = quick && !one.agree ? one.subjects.filter((name) => isOurs(one, name)) : one.subjects;
  const takesPart = (name, run) => run % 4 === 0 || !one.lessOften?.includes(name);
  const began = performance.now();
  const key = one.sharedWith ?? one.name;
  if (!known.has(key)) known.set(key, await alternate(subjects, takesPart, runs, once, progress));
  const measured = known.get(key);

  const of = (name, column) => {
    const { results } = measured.get(name) ?? {};
    return results && median(results.map(column.figure));
  };
  const rows = subjects.map((name) => row(one, name, measured.get(name), runs));
  const { violations, remarks } = faults(one, measured);
  return {
    name: one.name,
    what: one.what,
    runs,
    seconds: (performance.now() - began) / 1000,
    columns: one.columns.map(({ title }) => title),
    rows,
    bars: quick ? [] : one.bars(of),
    violations,
    remarks,
    ...(one.chart && { chart: chart({ ...one, subjects }, of) }),
  };
}

/**
 * Measures a subject of a case once.
 *
 * @param {import('../cases/index.mjs').Case} one
 * @param {string} name - of the subject
 * @param {{ quick?: boolean, root?: string }} options - `root`: the folder of the build, if not this one
 */
export function measureOnce(one, name, { quick = false, root }) {
  const variant = one.variants?.[name];
  const spec = { ...one.spec, ...(quick && one.quick), ...variant, ...(quick && variant && shrunk(one, name)) };
  return one.measure ? one.measure(name, spec, root) : loadServer(spec.subject ?? name, spec, root);
}

/** A variant under a quick load: what it differs in is scaled as the rest is. */
function shrunk(one, name) {
  const scaled = {};
  for (const field of Object.keys(one.variants[name]))
    if (one.quick[field] !== undefined && one.spec[field] > 0)
      scaled[field] = Math.round((one.variants[name][field] * one.quick[field]) / one.spec[field]);
  return scaled;
}

function row(one, name, { results, absent }, runs) {
  const title = titleOf(one, name);
  const ours = isOurs(one, name);
  if (!results) return { title, ours, absent, figures: [], spread: [], note: '' };
  const spread = one.columns.map(({ figure }) => results.map(figure));
  const note = results.length < runs ? `${results.length} runs` : '';
  return { title, ours, figures: spread.map(median), spread, note };
}

export const titleOf = (one, name) =>
  one.titles?.[name] ?? subjects[name]?.title ?? name.replace('program', 'tinysse-hub');

export const isOurs = (one, name) =>
  one.titles ? !name.startsWith('parser') : (subjects[one.variants?.[name]?.subject ?? name]?.ours ?? false);

function faults(one, measured) {
  const violations = [];
  const remarks = [];
  const found = new Set();
  for (const [name, { results = [] }] of measured)
    for (const result of results) {
      if (one.agree) found.add(one.agree(result));
      (isOurs(one, name) ? violations : remarks).push(...violationsOf(one, name, result));
    }
  if (found.size > 1) violations.push(`${one.name}: results differ: ${[...found].join(' | ')}`);
  return { violations, remarks };
}

/** What a result's checks found wrong, as a line for people, or none. */
export function violationsOf(one, name, { violations = {} }) {
  const bad = Object.entries(violations).filter(([, count]) => count > 0);
  if (bad.length === 0) return [];
  return [`${one.name}: ${titleOf(one, name)}: ${bad.map(([kind, count]) => `${count} ${kind}`).join(', ')}`];
}

function chart(one, of) {
  const bars = one.subjects.map((name) => ({
    title: titleOf(one, name),
    ours: isOurs(one, name),
    value: of(name, one.chart),
  }));
  return {
    title: one.what,
    column: one.chart.title,
    better: one.chart.better,
    bars: bars.filter(({ value }) => value !== undefined),
  };
}
