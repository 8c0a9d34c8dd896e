import type { Clock } from '../clock.js';

/** A third of the interval lies between two visits, in so many ticks: a quiet stream is never silent for longer than the interval. */
const TICKS_PER_VISIT = 5;

/** A member of a {@link Wheel}: remembers where it is, so that the wheel keeps nothing else for it. */
export interface Spoke {
  slice: number;
}

/**
 * Visits every member several times an interval, a slice of them each tick, so that many members make no burst.
 * Its timer runs only while it has members.
 */
export class Wheel<T extends Spoke> {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #visit: (member: T) => void;
  readonly #slices = Array.from({ length: TICKS_PER_VISIT }, () => new Set<T>());
  #running = false;
  #next = 0;
  /** How many members there are. */
  size = 0;
  /** Counts ticks. */
  ticks = 0;

  constructor(clock: Clock, intervalMs: number, visit: (member: T) => void) {
    this.#clock = clock;
    this.#tickMs = Math.max(1, intervalMs / (3 * TICKS_PER_VISIT));
    this.#visit = visit;
  }

  add(member: T): void {
    member.slice = this.#next++ % TICKS_PER_VISIT;
    this.#slices[member.slice]?.add(member);
    this.size++;
    this.#run();
  }

  delete(member: T): void {
    if (this.#slices[member.slice]?.delete(member)) this.size--;
  }

  /** All members as they are now, whatever becomes of them meanwhile. */
  members(): T[] {
    return this.#slices.flatMap((slice) => [...slice]);
  }

  /** Whether a member that was last written to at tick `wroteAt` would be silent for longer than `ms` at its next visit. */
  due(wroteAt: number, ms: number): boolean {
    return (this.ticks - wroteAt + TICKS_PER_VISIT) * this.#tickMs > ms;
  }

  #run(): void {
    if (this.#running || this.size === 0) return;
    this.#running = true;
    this.#clock.after(this.#tickMs, () => {
      this.#running = false;
      this.ticks++;
      for (const member of this.#slices[this.ticks % TICKS_PER_VISIT] as Set<T>) this.#visit(member);
      this.#run();
    });
  }
}
