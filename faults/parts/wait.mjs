import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/**
 * Waits until something is so.
 * @param {() => unknown} ready @param {number} ms @returns {Promise<boolean>} whether it was so within the time
 */
export async function until(ready, ms) {
  const late = performance.now() + ms;
  while (!ready()) {
    if (performance.now() > late) return false;
    await sleep(20);
  }
  return true;
}
