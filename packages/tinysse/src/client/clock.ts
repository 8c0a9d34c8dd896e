import type { Clock } from '../clock.js';

/** The longest step of a timer: so soon after a machine's sleep it is seen that time has passed. */
const STEP_MS = 2_000;

/**
 * A client's time. Its timers keep a process alive, as a client that waits to reconnect must, and they count the time
 * that a machine sleeps, which the runtime's own do not.
 */
export const clientClock: Pick<Clock, 'now' | 'after'> = {
  now: Date.now,
  after(ms, run) {
    let timer: ReturnType<typeof setTimeout>;
    const arm = (left: number): void => {
      const step = Math.min(left, STEP_MS);
      const before = Date.now();
      timer = setTimeout(() => {
        // The step has passed, even where the time of day was set back.
        left -= Math.max(step, Date.now() - before);
        if (left > 0) arm(left);
        else run();
      }, step);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};
