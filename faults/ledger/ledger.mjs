import { parse } from './cursor.mjs';
import { missing } from './missing.mjs';
import { outdated } from './outdated.mjs';
import { Reader } from './reader.mjs';
import { brief } from './say.mjs';
import { unfounded } from './unfounded.mjs';

/**
 * What was published. `places` are where it stands in the log: once in each epoch that has it.
 *
 * @typedef {object} Event
 * @property {string} data
 * @property {readonly string[]} channels
 * @property {'pending' | 'accepted' | 'unknown' | 'rejected'} outcome
 * @property {number} tries
 * @property {number} [serial] - its number in the order of submission
 * @property {import('./cursor.mjs').Cursor[]} places
 */

/** @typedef {{ from: string, to: string, lossless: boolean }} Succession */

/** Beyond so many violations only their number tells more. */
const MOST = 200;

/**
 * The books: what was published and what became of it, what every reader saw, and whether the promise was kept.
 *
 * The promise (docs/design.md): every reader sees every event of its channels exactly once and in order, but for those
 * inside a reset's (lastEventId, resumedAt] and those that a reset to another epoch leaves behind in the old one. An
 * event counts as being in the log when its publisher was told so or any reader saw it: so it is due to all the others.
 */
export class Ledger {
  /** @type {string[]} What went wrong, in the order found. */
  violations = [];
  /** By epoch, then by offset. @type {Map<string, Map<number, Event>>} */
  epochs = new Map();
  /** Which epoch follows which, and whether the log kept all that it had. @type {Succession[]} */
  successions = [];
  /** @type {Reader[]} */
  readers = [];
  snapshots = 0;
  /** Whether the store has dropped idempotency keys. */
  keysWereLost = false;
  counts = { published: 0, accepted: 0, unknown: 0, rejected: 0, delivered: 0 };
  resets = { evicted: 0, epoch: 0, unknown: 0 };
  /** @type {Map<string, Event>} */
  #byData = new Map();
  #pack;
  #say;

  /**
   * @param {(data: string) => string} [pack] - makes data short, and different data differently so
   * @param {(violation: string) => void} [say] - told of every violation at once
   */
  constructor(pack = (data) => data, say = () => {}) {
    this.#pack = pack;
    this.#say = say;
  }

  /**
   * An event is about to be sent. Its data is like no other's: by it the event is known wherever it shows up.
   * @param {readonly string[]} channels @param {string} data @returns {Event}
   */
  submit(channels, data) {
    const event = this.#event(channels, this.#pack(data));
    this.#byData.set(event.data, event);
    return event;
  }

  /** An event that the log itself says to hold. @param {string} cursor @param {readonly string[]} channels @param {string} data */
  published(cursor, channels, data) {
    this.accepted(this.#event(channels, data), cursor);
  }

  /** @param {readonly string[]} channels @param {string} data @returns {Event} */
  #event(channels, data) {
    this.counts.published++;
    return { data, channels, outcome: 'pending', tries: 1, places: [] };
  }

  /** Its publisher was told that it is in the log. @param {Event} event @param {string} cursor */
  accepted(event, cursor) {
    event.outcome = 'accepted';
    this.counts.accepted++;
    this.#place(event, parse(cursor));
  }

  /** It will not be sent again, and may be in the log. @param {Event} event */
  unknown(event) {
    event.outcome = 'unknown';
    this.counts.unknown++;
  }

  /** It is not in the log, its publisher was told. @param {Event} event */
  rejected(event) {
    event.outcome = 'rejected';
    this.counts.rejected++;
  }

  /** The log has begun a new epoch, for a cause. @param {string} from @param {string} to @param {boolean} lossless */
  succeeded(from, to, lossless) {
    this.successions.push({ from, to, lossless });
  }

  /** @param {string} name @param {readonly string[]} channels @returns {Reader} */
  reader(name, channels) {
    const reader = new Reader(this, name, channels);
    this.readers.push(reader);
    return reader;
  }

  /** @param {string} what */
  violation(what) {
    if (this.violations.length > MOST) return;
    const text = this.violations.length < MOST ? what : '… and more';
    this.violations.push(text);
    this.#say(text);
  }

  /** A reader has been given an event. @param {Reader} reader @param {import('./cursor.mjs').Cursor} at @param {string} text */
  sighted(reader, at, text) {
    this.counts.delivered++;
    const data = this.#pack(text);
    const id = `${at.epoch}-${at.offset}`;
    const event = this.epochs.get(at.epoch)?.get(at.offset) ?? this.#byData.get(data);
    if (!event) return this.violation(`${reader.name} got ${id}, ${brief(data)}, which nobody published`);
    if (event.data !== data) return this.violation(`${reader.name} got ${brief(data)} for ${id}, ${brief(event.data)}`);
    this.#place(event, at);
    if (!event.channels.some((channel) => reader.channels.includes(channel)))
      this.violation(`${reader.name} got ${id} of other channels: ${event.channels}`);
  }

  /** @param {Event} event @param {import('./cursor.mjs').Cursor} at */
  #place(event, at) {
    let events = this.epochs.get(at.epoch);
    if (!events) this.epochs.set(at.epoch, (events = new Map()));
    const there = events.get(at.offset);
    if (there === event) return;
    const id = `${at.epoch}-${at.offset}`;
    if (there) return this.violation(`${id} is ${brief(there.data)} and ${brief(event.data)}`);
    const twice = event.places.find(({ epoch }) => epoch === at.epoch);
    // A log whose keys were taken away by somebody else cannot know a retry (docs/redis.md).
    if (twice && !(this.keysWereLost && event.tries > 1))
      this.violation(`${brief(event.data)} is in the log twice: ${twice.epoch}-${twice.offset} and ${id}`);
    events.set(at.offset, event);
    event.places.push(at);
  }

  /**
   * Closes the books.
   * @param {string} head - where every reader that has not left must have arrived
   * @param {import('./unfounded.mjs').Causes} [causes] - what may be the cause of a reset; without, any reset is believed
   * @returns {string[]} the violations
   */
  balance(head, causes) {
    this.#inherit();
    for (const reader of this.readers) reader.finish(parse(head));
    for (const what of missing(this)) this.violation(what);
    for (const what of outdated(this)) this.violation(what);
    for (const events of this.epochs.values())
      for (const [offset, { outcome, data }] of events)
        if (outcome === 'rejected') this.violation(`${brief(data)} was rejected, but stands at ${offset}`);
    if (causes) for (const what of unfounded(this, causes)) this.violation(what);
    return this.violations;
  }

  /** What a log that lost nothing held in one epoch it holds in the next: as far back as any reader went on there. */
  #inherit() {
    /** @type {Map<string, number>} */
    const lowest = new Map();
    for (const { stretches } of this.readers)
      for (const { epoch, from } of stretches) lowest.set(epoch, Math.min(from, lowest.get(epoch) ?? from));
    // A later epoch asks the earlier ones for what its own readers are owed.
    for (const { from, to } of this.successions.toReversed())
      lowest.set(from, Math.min(lowest.get(from) ?? Infinity, lowest.get(to) ?? Infinity));
    for (const { from, to, lossless } of this.successions) {
      if (!lossless) continue;
      const least = lowest.get(to) ?? Infinity;
      for (const [offset, event] of this.epochs.get(from) ?? [])
        if (offset > least) this.#place(event, { epoch: to, offset });
    }
  }
}
