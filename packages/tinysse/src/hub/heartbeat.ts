import type { Clock } from '../clock.js';

/** A third of the interval lies between two visits, in so many ticks: a quiet stream is never silent for longer than the interval. */
const TICKS_PER_VISIT = 5;

/**
 * Visits every member several times an interval, a slice of them each tick, so that many members make no burst.
 * Its timer runs only while it has members.
 */
export class Wheel<T> {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #visit: (member: T) => void;
  readonly #slices = Array.from({ length: TICKS_PER_VISIT }, () => new Set<T>());
  #members = 0;
  #running = false;
  #next = 0;
  /** Counts ticks. */
  ticks = 0;

  constructor(clock: Clock, intervalMs: number, visit: (member: T) => void) {
    this.#clock = clock;
    this.#tickMs = Math.max(1, intervalMs / (3 * TICKS_PER_VISIT));
    this.#visit = visit;
  }

  /** Adds a member; the returned function takes it away. */
  add(member: T): () => void {
    const slice = this.#slices[this.#next++ % TICKS_PER_VISIT] as Set<T>;
    slice.add(member);
    this.#members++;
    this.#run();
    return () => {
      if (slice.delete(member)) this.#members--;
    };
  }

  /** Whether a member that was last written to at tick `wroteAt` would be silent for longer than `ms` at its next visit. */
  due(wroteAt: number, ms: number): boolean {
    return (this.ticks - wroteAt + TICKS_PER_VISIT) * this.#tickMs > ms;
  }

  #run(): void {
    if (this.#running || this.#members === 0) return;
    this.#running = true;
    this.#clock.after(this.#tickMs, () => {
      this.#running = false;
      this.ticks++;
      for (const member of this.#slices[this.ticks % TICKS_PER_VISIT] as Set<T>) this.#visit(member);
      this.#run();
    });
  }
}
