/** Does a limited number of things in one turn of the event loop, in the order they came; the rest waits for the next turns. */
export class Turns {
  readonly #most: number;
  #left: number;
  #waiting: (() => void)[] = [];
  #turning = false;

  /** @param most - things in one turn */
  constructor(most: number) {
    this.#most = this.#left = most;
  }

  /** Runs `act`: now, if its turn is now. */
  take(act: () => void): void {
    if (this.#left === 0) this.#waiting.push(act);
    else {
      this.#left--;
      act();
    }
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    const due = this.#waiting.splice(0, this.#most);
    this.#left = this.#most - due.length;
    this.#turning = due.length > 0;
    if (this.#turning) setImmediate(this.#turn);
    for (const act of due) act();
  };
}
