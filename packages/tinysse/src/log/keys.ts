import { SSEError } from '../errors.js';
import type { LogEvent } from './log.js';

interface Remembered {
  readonly offset: number;
  readonly time: number;
  readonly fingerprint: string;
}

/** Idempotency keys in memory: which key stands for which entry, for a time. */
export class Keys {
  readonly #windowMs: number;
  readonly #max: number;
  /** In order of time. */
  readonly #known = new Map<string, Remembered>();

  /**
   * @param windowMs - how long a key is remembered
   * @param max - how many keys are remembered; beyond, the oldest is forgotten
   */
  constructor(windowMs: number, max: number) {
    this.#windowMs = windowMs;
    this.#max = max;
  }

  /**
   * The offset that `event.key` stands for; undefined when it is new.
   * @throws SSEError KEY_REUSED when it stood for other content
   */
  find(event: LogEvent, now: number): number | undefined {
    if (event.key === undefined) return undefined;
    const known = this.#known.get(event.key);
    if (!known || known.time <= now - this.#windowMs) return undefined;
    if (known.fingerprint === fingerprint(event)) return known.offset;
    throw keyReused(event.key);
  }

  /** Remembers that `event.key` stands for the entry at `offset`. */
  remember(event: LogEvent, offset: number, now: number): void {
    if (event.key === undefined) return;
    this.#known.delete(event.key);
    this.#known.set(event.key, { offset, time: now, fingerprint: fingerprint(event) });
    for (const [key, { time }] of this.#known) {
      if (this.#known.size <= this.#max && time > now - this.#windowMs) break;
      this.#known.delete(key);
    }
  }
}

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
