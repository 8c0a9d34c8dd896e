import { parse } from './cursor.mjs';

/**
 * A part of what a reader saw: of this epoch everything of its channels in (from, to], but for what is at or below
 * `excused`, and for a start from `earliest` but for what each channel had lost by then.
 *
 * @typedef {object} Stretch
 * @property {string} epoch
 * @property {number} from
 * @property {number} to
 * @property {number} excused
 * @property {number[]} seen - offsets, ascending
 * @property {boolean} [earliest] - it began with what the log still had
 * @property {boolean} [afterSnapshot] - it began after a snapshot, which may hold events that follow it
 * @property {ReadonlyMap<string, number>} [floors] - the floors that it found then, where they are known; else each channel's
 *   events before the first one seen count as lost by then
 */

/**
 * @typedef {object} Reset
 * @property {'evicted' | 'epoch' | 'unknown'} reason
 * @property {import('./cursor.mjs').Cursor} from - where the reader was
 * @property {import('./cursor.mjs').Cursor} to - where it went on
 * @property {number} resumedAt
 * @property {boolean} healed - whether a snapshot follows it, in place of all that is missing
 * @property {boolean} again - whether another came shortly before in the same connection
 */

/** A second reset so soon after another may be one before the reader met the edge, which sends it there. */
const SHORTLY_MS = 10_000;

/** What one client saw, over all its connections. */
export class Reader {
  /** @type {Stretch[]} */
  stretches = [];
  /** @type {Reset[]} */
  resets = [];
  /** Whole snapshots: the rows by channel, and the position that followed. @type {{ at: import('./cursor.mjs').Cursor, rows: Map<string, number> }[]} */
  snapshots = [];
  /** Whether it is done, wherever it is. */
  left = false;
  /** Whether the stretch that is to begin asks for what the log still has. */
  #fromEarliest = false;
  /** Whether what it gets now is a snapshot, which is in no log. */
  #inSnapshot = false;
  /** @type {Map<string, number>} */
  #rows = new Map();
  #ledger;
  #resetAt = Number.NEGATIVE_INFINITY;

  /** @param {import('./ledger.mjs').Ledger} ledger @param {string} name @param {readonly string[]} channels */
  constructor(ledger, name, channels) {
    this.#ledger = ledger;
    this.name = name;
    this.channels = channels;
  }

  /** The stretch that goes on. */
  get #now() {
    return this.stretches.at(-1);
  }

  /** Whether it knows where it is. */
  get started() {
    return this.stretches.length > 0;
  }

  /** Where it is; `''` at first. */
  get cursor() {
    return this.#now ? `${this.#now.epoch}-${this.#now.to}` : '';
  }

  /** Whether it has been past a place in the log. @param {string} epoch @param {number} offset */
  has(epoch, offset) {
    return this.stretches.some((stretch) => stretch.epoch === epoch && stretch.to >= offset);
  }

  /** It has a new connection. A snapshot that was cut counts for nothing. */
  connected() {
    this.#inSnapshot = false;
    this.#resetAt = Number.NEGATIVE_INFINITY;
  }

  /** It has asked for what the log still has, and knows no position yet. */
  asksForEarliest() {
    this.#fromEarliest = true;
  }

  /** What each epoch had lost of each channel when the log answered. @param {ReadonlyMap<string, ReadonlyMap<string, number>>} floors */
  foundFloors(floors) {
    const [first] = this.stretches;
    if (first?.earliest) first.floors ??= floors.get(first.epoch);
  }

  /** Its client has ended for good, which no fault is a reason for. */
  gaveUp() {
    this.#wrong(`is at ${this.cursor} and gave up`);
  }

  /** It will not be there at the end. */
  leave() {
    this.left = true;
  }

  /** @param {{ id?: string | undefined, event?: string | undefined, data?: string | undefined }} frame */
  frame({ id, event, data }) {
    if (event === 'tinysse:position') this.#position(id);
    else if (event === 'tinysse:reset') this.#reset(id, JSON.parse(data ?? ''));
    else if (event === 'tinysse:snapshot') this.#snapshot(id);
    else if (this.#inSnapshot && id === undefined) this.#row(data ?? '');
    else if (data !== undefined && !event?.startsWith('tinysse:')) this.#event(parse(id ?? ''), data);
  }

  /** @param {string | undefined} id */
  #position(id) {
    if (id === undefined || id === '') return;
    const { epoch, offset } = parse(id);
    if (this.#inSnapshot) {
      this.#inSnapshot = false;
      this.#begin({ epoch, offset }, 0);
      this.#ledger.snapshots++;
      this.snapshots.push({ at: { epoch, offset }, rows: this.#rows });
      /** @type {Stretch} */ (this.#now).afterSnapshot = true;
      return;
    }
    const now = this.#now;
    if (!now) this.#start(epoch, offset);
    else if (epoch !== now.epoch) this.#wrong(`is at ${this.cursor} and was told ${id} without a reset`);
    else if (offset < now.to) this.#wrong(`is at ${this.cursor} and was sent back to ${id}`);
    else now.to = offset;
  }

  /** @param {string | undefined} id */
  #snapshot(id) {
    if (id !== undefined) this.#wrong(`got a snapshot that begins with the id ${id}`);
    this.#inSnapshot = true;
    this.#rows = new Map();
  }

  /** A channel and the number of its last change. @param {string} data */
  #row(data) {
    const end = data.lastIndexOf(' ');
    this.#rows.set(data.slice(0, end), Number(data.slice(end)));
  }

  /** @param {string | undefined} id @param {{ reason: Reset['reason'], lastEventId: string, resumedAt: string }} reset */
  #reset(id, { reason, lastEventId, resumedAt }) {
    const healed = id === undefined;
    const [resumed, from] = [parse(resumedAt), parse(lastEventId)];
    const to = healed ? resumed : parse(id);
    const now = this.#now;
    if (now && reason !== 'unknown') {
      if (from.epoch !== now.epoch || from.offset < now.to)
        this.#wrong(`is at ${this.cursor}, but a reset names ${lastEventId}`);
      // Up to there its stream was whole: nothing of its channels was left out.
      else if (!healed) now.to = from.offset;
    }
    if (resumed.epoch !== to.epoch || resumed.offset < to.offset)
      this.#wrong(`goes on after ${id}, but whole again only at ${resumedAt}`);
    if (reason === 'evicted' && !healed && now && (to.epoch !== now.epoch || to.offset < now.to))
      this.#wrong(`is at ${this.cursor}, and a reset (evicted) sends it to ${id}`);
    if (reason === 'epoch' && to.epoch === now?.epoch) this.#wrong(`was told of another epoch, and it is ${id}`);
    const again = performance.now() - this.#resetAt < SHORTLY_MS;
    this.#resetAt = performance.now();
    this.#ledger.resets[reason]++;
    this.resets.push({ reason, from, to, resumedAt: resumed.offset, healed, again });
    if (!healed) this.#begin(to, resumed.offset);
  }

  /** @param {import('./cursor.mjs').Cursor} at @param {string} data */
  #event(at, data) {
    this.#ledger.sighted(this, at, data);
    if (!this.#now && this.#fromEarliest) this.#start(at.epoch, 0);
    const now = this.#now;
    if (!now || at.epoch !== now.epoch)
      return this.#wrong(`is at ${this.cursor || 'no position'} and got ${at.epoch}-${at.offset} without a reset`);
    if (at.offset <= now.to) return this.#wrong(`is at ${this.cursor} and got ${at.offset} again or out of order`);
    now.to = at.offset;
    now.seen.push(at.offset);
  }

  /** Its first stretch. @param {string} epoch @param {number} offset */
  #start(epoch, offset) {
    this.#begin({ epoch, offset: this.#fromEarliest ? 0 : offset }, 0);
    const now = /** @type {Stretch} */ (this.#now);
    now.to = Math.max(now.to, offset);
    if (this.#fromEarliest) now.earliest = true;
  }

  /** The end. @param {import('./cursor.mjs').Cursor} head */
  finish(head) {
    const now = this.#now;
    if (this.left) return;
    if (!now) return this.#wrong('never got a position');
    if (now.epoch !== head.epoch) return this.#wrong(`ended at ${this.cursor}, not in epoch ${head.epoch}`);
    now.to = Math.max(now.to, head.offset);
  }

  /** @param {import('./cursor.mjs').Cursor} at @param {number} excused */
  #begin({ epoch, offset }, excused) {
    this.stretches.push({ epoch, from: offset, to: offset, excused, seen: [] });
  }

  /** @param {string} what */
  #wrong(what) {
    this.#ledger.violation(`${this.name} ${what}`);
  }
}
