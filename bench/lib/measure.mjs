import { generate, startServer } from './processes.mjs';
import { subjects } from './subjects.mjs';

/** @typedef {{ results: object[] } | { absent: string }} Measured */

/** Starts a subject of the build in `root`, loads it once, stops it. */
export async function loadServer(name, spec, root) {
  const subject = subjects[name];
  const server = await startServer(subject, root);
  try {
    return await generate({
      path: subject.eventsPath ?? '/events',
      publishPath: subject.publishPath ?? '/publish',
      plan: 'each',
      channels: 1,
      size: 100,
      publishers: 1,
      ...spec,
      port: server.port,
      snapshotPort: subject.snapshotPort?.(server.port),
      pids: server.pids,
    });
  } catch (error) {
    throw new Error(`${subject.title}: ${error.message}\n${server.said.error}`);
  } finally {
    await server.stop();
  }
}

/**
 * Measures subjects alternately, so that what disturbs the machine disturbs all of them.
 *
 * A peer that fails is left out; one of ours throws.
 *
 * @param {string[]} names
 * @param {(name: string, run: number) => boolean} takesPart
 * @param {number} runs
 * @param {(name: string) => Promise<object>} once
 * @param {(text: string) => void} progress
 * @returns {Promise<Map<string, Measured>>}
 */
export async function alternate(names, takesPart, runs, once, progress) {
  const measured = new Map();
  for (const name of names) {
    const absent = subjects[name]?.absent?.();
    measured.set(name, absent === undefined ? { results: [] } : { absent });
  }
  for (let run = 0; run < runs; run++)
    for (const name of names) {
      const { results } = measured.get(name);
      if (!results || !takesPart(name, run)) continue;
      progress(`${run + 1}/${runs} ${name}`);
      try {
        results.push(await once(name));
      } catch (error) {
        if (subjects[name]?.ours !== false) throw error;
        measured.set(name, { absent: error.message.split('\n')[0] });
      }
    }
  return measured;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
