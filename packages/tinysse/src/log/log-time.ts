import type { Clock } from '../clock.js';

/**
 * The time of a log. It never steps back, because retention by age evicts prefixes; and it never stands still: after a
 * clock has stepped back it goes on from where it was, at the clock's pace, so that a clock that was wrong for a moment
 * does not keep events and keys for as long as it was wrong by. Once the clock itself has caught up, it is followed again: a clock that
 * was behind for a moment must not put the log ahead for good, which would evict events and forget keys too early.
 */
export class LogTime {
  readonly #clock: Clock;
  #last: number;
  #ahead: number;

  /** @param last - the log's last time @param ahead - by how many milliseconds it was ahead of the clock then */
  constructor(clock: Clock, last = 0, ahead = 0) {
    this.#clock = clock;
    this.#last = last;
    this.#ahead = ahead;
  }

  /** By how many milliseconds it is ahead of the clock: the sum of the clock's steps back. */
  get ahead(): number {
    return this.#ahead;
  }

  /** Milliseconds since 1970, by the log's count. */
  now(): number {
    const now = this.#clock.now();
    if (now >= this.#last) this.#ahead = 0;
    const at = now + this.#ahead;
    if (at >= this.#last) this.#last = at;
    else this.#ahead += this.#last - at;
    return this.#last;
  }
}
