import { sleep } from '../parts/wait.mjs';

const SECOND_MS = 1_000;
/** How far the clock may be off, either way: more than any deadline, and not so far that a key is forgotten (5 min). */
const MOST_OFF = 120;

/**
 * Steps the clock of a hub to and fro.
 * @param {import('../parts/hub.mjs').Hub} hub @param {import('../parts/random.mjs').Random} random
 * @param {() => unknown} [meanwhile] - while it is off, and last set back
 */
export async function stepClock(hub, random, meanwhile) {
  if (!hub.clocked) {
    await hub.kill();
    await hub.start({ clocked: true });
  }
  let off = 0;
  const step = (/** @type {number} */ to) => {
    hub.step((to - off) * SECOND_MS);
    off = to;
  };
  for (let steps = random.between(1, 4); steps > 0; steps--) {
    step(random.between(-MOST_OFF, MOST_OFF));
    await sleep(random.between(100, 1_000));
  }
  if (meanwhile) {
    step(-MOST_OFF);
    await meanwhile();
  }
  step(0);
}
