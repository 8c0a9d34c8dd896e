/** Numbers in increasing order, one at a time. */
export interface Run {
  /** The number that it stands at; `Infinity` at its end. */
  readonly offset: number;
  /** Goes on to the next number. */
  advance(): void;
}

/**
 * Several runs as one; a number that several hold comes once. A binary heap: a number costs the logarithm of the number of
 * runs, and one that all of them hold costs a constant for each.
 */
export class Merge<R extends Run> {
  readonly #heap: R[];

  /** @param runs - belongs to the merge from now on */
  constructor(runs: R[]) {
    this.#heap = runs;
    for (let i = (runs.length >>> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** A run that stands at the lowest number; undefined when all have ended. */
  get lowest(): R | undefined {
    const lowest = this.#heap[0];
    return lowest && lowest.offset < Number.POSITIVE_INFINITY ? lowest : undefined;
  }

  /** Goes on to the next number, in every run that stands at the lowest. */
  advance(): void {
    const lowest = this.#heap[0];
    if (lowest) this.#advance(0, lowest.offset);
  }

  /** Advances the runs at `offset` in the part of the heap below `at`, where all of them are together: the lower ones first. */
  #advance(at: number, offset: number): void {
    const heap = this.#heap;
    const left = 2 * at + 1;
    if (left < heap.length) {
      if (heap[left]!.offset === offset) this.#advance(left, offset);
      if (left + 1 < heap.length && heap[left + 1]!.offset === offset) this.#advance(left + 1, offset);
    }
    heap[at]!.advance();
    this.#sink(at);
  }

  /** Moves the run at `from` down to its place; everything below is in order. */
  #sink(from: number): void {
    const heap = this.#heap;
    const run = heap[from]!;
    const { offset } = run;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.offset < heap[child]!.offset) child++;
      if (heap[child]!.offset >= offset) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = run;
  }
}
