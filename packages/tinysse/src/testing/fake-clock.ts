import type { Clock } from '../clock.js';

/** A clock whose time stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Moves time on by `ms`, running every timer that falls due in the order of their times (equal times: in the order
   * they were set), each with `now()` at its own time. Timers set on the way run too when they fall due on the way.
   */
  advance(ms: number): void;
  /** Steps `now()` by `ms`, ahead or back, as an operator or NTP does: no timer runs earlier or later for it. */
  step(ms: number): void;
  /**
   * Ends one turn of the event loop: runs the `soon` callbacks that wait now; those they add wait for the next turn.
   * @returns how many ran, so `while (clock.turn());` runs until nothing waits
   */
  turn(): number;
  /** Milliseconds until the next timer falls due; undefined when none is set. */
  nextIn(): number | undefined;
  /** How many timers are set: 0 after everything has been released. */
  readonly timers: number;
}

/**
 * Time owned by a test. What a callback throws, `advance` or `turn` throws; the callbacks after it stay queued.
 *
 * @param startMs - what `now()` gives at first, in milliseconds since 1970
 * @example
 * const clock = createFakeClock();
 * clock.after(100, () => console.log('due'));
 * clock.advance(100); // due
 */
export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startMs;
  let stepped = 0;
  let waiting: (() => void)[] = [];
  const timers = new Set<{ at: number; run: () => void }>();

  const next = () => {
    let first: { at: number; run: () => void } | undefined;
    for (const timer of timers) if (!first || timer.at < first.at) first = timer;
    return first;
  };

  return {
    now: () => now + stepped,
    after(ms, run) {
      const timer = { at: now + Math.max(0, ms), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon(run) {
      waiting.push(run);
    },
    advance(ms) {
      const until = now + ms;
      for (let timer = next(); timer && timer.at <= until; timer = next()) {
        now = timer.at;
        timers.delete(timer);
        timer.run();
      }
      now = until;
    },
    step(ms) {
      stepped += ms;
    },
    turn() {
      const batch = waiting;
      waiting = [];
      let ran = 0;
      try {
        for (const run of batch) {
          ran++;
          run();
        }
      } finally {
        waiting = batch.slice(ran).concat(waiting);
      }
      return ran;
    },
    nextIn: () => {
      const timer = next();
      return timer && timer.at - now;
    },
    get timers() {
      return timers.size;
    },
  };
}
