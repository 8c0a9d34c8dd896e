import { SSEError } from '../errors.js';
import type { LogEvent } from './log.js';

interface Remembered {
  readonly offset: number;
  readonly time: number;
  readonly fingerprint: string;
}

/** How many keys are remembered by default: what a publisher of 3,000 events a second needs. */
export const MAX_KEYS = 1_000_000;
/** Expired keys forgotten at once, so that a long silence before an event does not make it wait. */
const SLICE = 100;

/** Idempotency keys in memory: which key stands for which entry, for a time. */
export class Keys {
  readonly #windowMs: number;
  readonly #max: number;
  /** In order of time. */
  readonly #known = new Map<string, Remembered>();

  /**
   * @param windowMs - how long a key is remembered
   * @param max - how many keys are remembered; beyond, new ones are refused
   */
  constructor(windowMs: number, max: number) {
    this.#windowMs = windowMs;
    this.#max = max;
  }

  /**
   * The offset that `event.key` stands for; undefined when it is new and there is room for it.
   * @throws SSEError KEY_REUSED when it stood for other content, LOG_KEYS_FULL
   */
  find(event: LogEvent, now: number): number | undefined {
    if (event.key === undefined) return undefined;
    const expired = now - this.#windowMs;
    const known = this.#known.get(event.key);
    if (known && known.time > expired) {
      if (known.fingerprint === fingerprint(event)) return known.offset;
      throw keyReused(event.key);
    }
    this.#forget(expired);
    if (this.#known.size >= this.#max && !this.#known.has(event.key)) throw keysFull();
    return undefined;
  }

  /** Remembers that `event.key`, which {@link find} has found new, stands for the entry at `offset`. */
  remember(event: LogEvent, offset: number, now: number): void {
    if (event.key === undefined) return;
    this.#known.delete(event.key);
    this.#known.set(event.key, { offset, time: now, fingerprint: fingerprint(event) });
  }

  #forget(expired: number): void {
    let left = SLICE;
    for (const [key, { time }] of this.#known) {
      if (time > expired || left-- === 0) return;
      this.#known.delete(key);
    }
  }
}

export const keysFull = (): SSEError =>
  new SSEError(
    'LOG_KEYS_FULL',
    'the log remembers as many keys as it may, and none has expired yet; retry later, or raise its limit of keys',
    { outcome: 'rejected' },
  );

/** @param key - as the log knows it: what stands before a NUL is whose it is, and not for people */
export function keyReused(key: string): SSEError {
  const own = key.slice(key.indexOf('\0') + 1);
  return new SSEError('KEY_REUSED', `key "${own}" was used for another event; a new event needs a new key`, {
    outcome: 'rejected',
  });
}

/** A digest of an event's content (64 bits and the length), so that remembering a key does not retain its data. */
export function fingerprint({ channels, event, data }: LogEvent): string {
  // NUL stands in no name, so different contents never join to the same text.
  const text = `${channels.join('\0')}\0\0${event ?? ''}\0${data}`;
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
    b ^= b >>> 15;
  }
  return `${text.length}.${a >>> 0}.${b >>> 0}`;
}
