import { Refused } from './answer.js';

/** Senders that are remembered; who has published least lately is forgotten first. */
const MOST_SENDERS = 10_000;
/** What a sender may have saved up. */
const BURST_MS = 1_000;

/**
 * A bucket of tokens for each sender, which holds a second's worth. A request is let in while there is one left, however
 * many events it brings; those beyond are owed, and the next request waits for them.
 */
export class PublishRate {
  readonly #cost: number;
  readonly #now: () => number;
  /** When each sender's bucket is full again. Source: the generic cell rate algorithm, ITU-T I.371. */
  readonly #full = new Map<string, number>();

  /** @param perSecond - events */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#cost = 1_000 / perSecond;
    this.#now = now;
  }

  /** Lets a request in. @throws Refused 429 saying when to come back */
  admit(sender: string): void {
    const now = this.#now();
    const wait = (this.#full.get(sender) ?? now) + this.#cost - now - BURST_MS;
    // Sums of fractions are not exact.
    if (wait <= 0.001) return;
    throw new Refused(
      429,
      'TOO_MANY_PUBLISHES',
      'more events a second than this sender may publish; nothing was published',
      {
        'retry-after': String(Math.ceil(wait / 1_000)),
      },
    );
  }

  /** Takes a token. */
  take(sender: string): void {
    const now = this.#now();
    const full = Math.max(now, this.#full.get(sender) ?? now);
    // The map keeps the order of the last event.
    this.#full.delete(sender);
    this.#full.set(sender, full + this.#cost);
    if (this.#full.size <= MOST_SENDERS) return;
    for (const [oldest] of this.#full) {
      this.#full.delete(oldest);
      return;
    }
  }
}
