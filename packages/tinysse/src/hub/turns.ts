/** Limits how many tasks run at once; others wait in first-come order. */
export class Turns {
  readonly #most: number;
  readonly #queue: (() => void)[] = [];
  /** How many have a turn. */
  taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Resolves when there is a turn; it must be given back.
   * @param ahead - whether to go before all that wait
   */
  take(ahead = false): Promise<void> | undefined {
    if (this.taken < this.#most) {
      this.taken++;
      return undefined;
    }
    return new Promise((go) => (ahead ? this.#queue.unshift(go) : this.#queue.push(go)));
  }

  /** Hands the turn on, so that no newcomer overtakes the queue. */
  give(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.taken--;
  }
}
