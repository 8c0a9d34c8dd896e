/** A first-in, first-out list with random access; every operation takes constant time on average. */
export class Deque<T> {
  #items: (T | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** The item at `index`, 0 being the oldest. The index must exist. */
  at(index: number): T {
    return this.#items[this.#start + index] as T;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the oldest item away. There must be one. */
  shift(): T {
    const item = this.#items[this.#start] as T;
    this.#items[this.#start++] = undefined;
    // Copying when half is spent moves each item once on average.
    if (this.#start * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** Keeps the items that pass `test`, in their order. */
  filter(test: (item: T) => boolean): void {
    this.#items = this.#items.slice(this.#start).filter((item) => test(item as T));
    this.#start = 0;
  }
}
