/** Time as a room sees it. Rooms take one instead of calling timers, so that tests can own time. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `run` once after `ms` milliseconds, however many; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
  /** Runs `run` once, after the callbacks of this turn of the event loop. */
  soon(run: () => void): void;
}

/** The longest delay that setTimeout keeps (24.8 days); a longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

declare const setImmediate: ((run: () => void) => unknown) | undefined;

/** The clock of the runtime. Its timers do not keep a process alive: a server's sockets do that. */
export const systemClock: Clock = {
  now: Date.now,
  after(ms, run) {
    let timer: ReturnType<typeof setTimeout>;
    const arm = (left: number): void => {
      const step = Math.min(left, LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > step ? arm(left - step) : run()), step);
      (timer as { unref?: () => void }).unref?.();
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
  soon(run) {
    if (typeof setImmediate === 'function') setImmediate(run);
    else setTimeout(run, 0);
  },
};
/**
 * A promise's value, if it comes in time.
 * @param ms - how long it may take in milliseconds
 * @param late - gives the value instead, or throws
 */
export function inTime<T>(promise: Promise<T>, ms: number, clock: Pick<Clock, 'after'>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    // Promises of other libraries have no `finally`.
    Promise.resolve(promise).then(resolve, reject).finally(cancel);
  });
}
