const STEP = 10;
const STEPS = 2_000_000;

/** Counts of latencies in steps of 10 microseconds, up to 20 seconds. */
export class Histogram {
  #counts = new Uint32Array(STEPS);
  #total = 0;
  #max = 0;

  add(microseconds) {
    const step = (microseconds / STEP) | 0;
    this.#counts[step < STEPS ? step : STEPS - 1]++;
    this.#total++;
    if (microseconds > this.#max) this.#max = microseconds;
  }

  clear() {
    this.#counts.fill(0);
    this.#total = 0;
    this.#max = 0;
  }

  /** Percentiles in milliseconds. */
  summary() {
    return { p50: this.#at(0.5), p90: this.#at(0.9), p99: this.#at(0.99), max: this.#max / 1000 };
  }

  #at(share) {
    const wanted = this.#total * share;
    let seen = 0;
    for (let step = 0; step < STEPS; step++) {
      seen += this.#counts[step];
      if (seen >= wanted && seen > 0) return (step * STEP) / 1000;
    }
    return 0;
  }
}
