import { ourClient } from './clients/ours.mjs';
import { RawClient } from './clients/raw.mjs';
import { Site } from './clients/site.mjs';
import { parse } from './ledger/cursor.mjs';
import { Ledger } from './ledger/ledger.mjs';
import { dataOf, packed } from './parts/data.mjs';
import { Relay } from './parts/relay.mjs';
import { SnapshotServer } from './parts/snapshot-server.mjs';
import { until } from './parts/wait.mjs';
import { Publishers, publish } from './publishers.mjs';

/** What the hubs keep per channel, and in all. */
const RETAIN = { events: 500, bytes: 100 * 2 ** 20 };
const RETAIN_FLAGS = ['--retain-events', String(RETAIN.events), '--retain-bytes', `${RETAIN.bytes}B`];

const EVERYDAY = [['a'], ['b'], ['c'], ['a', 'b'], ['b', 'c'], ['a', 'b', 'c'], ['busy'], ['busy'], ['busy'], ['busy']];
const CHANNELS = ['a', 'b', 'c', 'busy', 'quiet', 'fat', 'fresh', 'storm', 'probe', 'large'];
/** Who stays from the beginning to the end. */
const PLAIN = [
  ['a'],
  ['a', 'b', 'c'],
  ['c', 'b'],
  ['busy', 'quiet'],
  ['busy', 'quiet'],
  ['quiet'],
  ['a', 'fat'],
  ['probe', 'storm'],
  CHANNELS,
];
const OURS = [
  ['a', 'b'],
  ['busy', 'quiet'],
];
/** How long a hub may take to accept an event again after a fault is over, and readers to arrive. */
const RECOVERY_MS = 30_000;
const ARRIVAL_MS = 60_000;

/** A store, the hubs on it, those who publish to them and read from them, and the books of all that. */
export class World {
  /** @type {import('./parts/hub.mjs').Hub[]} */
  hubs = [];
  /** @type {RawClient[]} */
  clients = [];
  /** How often each kind of fault was made. @type {Map<string, number>} */
  faults = new Map();
  /** The log's present epoch. */
  epoch = '';
  /** Whether the store may have evicted by itself. */
  evicts = false;
  /** @type {{ close(): void }[]} */
  #ours = [];
  /** @type {Publishers | undefined} */
  #publishers;
  #serial = 0;
  /** @type {Map<string, number>} */
  #published = new Map();
  #bytes = 0;

  /** @param {string} name @param {import('./parts/random.mjs').Random} random @param {(text: string) => void} say */
  constructor(name, random, say) {
    this.name = name;
    this.random = random;
    this.say = say;
    this.ledger = new Ledger(packed, (what) => say(`${name}: VIOLATION ${what}`));
    this.site = new Site(
      this.ledger,
      () => this.front,
      () => this.snapshots !== undefined,
    );
    if (random.between(0, 1) === 1) this.snapshots = new SnapshotServer(random.fork());
  }

  /** Flags of every hub beside its store's. */
  async flags() {
    await this.snapshots?.open();
    return this.snapshots
      ? [...RETAIN_FLAGS, '--snapshot-url', this.snapshots.url, '--snapshot-timeout', '3s']
      : RETAIN_FLAGS;
  }

  /** Begins when its hubs are up. @param {import('./parts/hub.mjs').Hub[]} hubs */
  async begin(hubs) {
    this.hubs = hubs;
    const random = this.random.fork();
    this.relay = await Relay.start(() => random.pick(hubs).port);
    await this.site.open();
    const first = this.event(['probe']);
    if (!(await publish(this, [{ ...first, key: 'first' }]))) throw new Error(`${this.name} takes no event`);
    const [{ epoch, offset }] = first.event.places;
    this.epoch = epoch;
    for (const channels of PLAIN) this.clients.push(this.client(channels));
    for (const channels of OURS) {
      const reader = this.ledger.reader(`${this.name} our client of ${channels}`, channels);
      this.#ours.push(ourClient(reader, this.front, `${epoch}-${offset}`, this.snapshots !== undefined));
    }
    this.#publishers = new Publishers(this);
  }

  /** The addresses of pages for every browser. @param {string} browser */
  pages(browser) {
    const name = `${this.name} ${browser}`;
    return [this.site.page(`${name} steady`, ['a', 'quiet']), this.site.page(`${name} fresh`, ['fresh'])];
  }

  /** Where clients go: behind it is any hub. */
  get front() {
    return `http://127.0.0.1:${this.relay?.port}`;
  }

  anyHub() {
    return `http://127.0.0.1:${this.random.pick(this.hubs).port}`;
  }

  /** @param {readonly string[]} channels @param {{ origin?: () => string, retryMs?: number }} [options] */
  client(channels, { origin = () => this.front, retryMs = 500 } = {}) {
    const reader = this.ledger.reader(`${this.name} client ${this.ledger.readers.length} of ${channels}`, channels);
    const from = this.random.pick(['latest', 'earliest']);
    if (from === 'earliest') reader.asksForEarliest();
    return new RawClient({ reader, origin, random: this.random, retryMs, from });
  }

  /** An event that is about to be sent. @param {readonly string[]} [channels] @param {number} [length] */
  event(channels = this.random.pick(EVERYDAY), length = this.random.between(0, 200)) {
    const serial = this.#serial++;
    const data = dataOf(serial, length);
    this.snapshots?.write(channels, serial);
    for (const channel of channels) this.#published.set(channel, (this.#published.get(channel) ?? 0) + 1);
    this.#bytes += length + 300;
    const event = this.ledger.submit(channels, data);
    event.serial = serial;
    return { event, data };
  }

  /** @param {string} kind */
  made(kind) {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.say(`${this.name}: ${kind}`);
  }

  /**
   * Waits until every hub takes events again.
   * @param {{ lossless: boolean }} [succession] - the log must have begun a new epoch; whether it may have lost something
   */
  async recover(succession) {
    const before = this.epoch;
    for (const hub of this.hubs) {
      const origin = () => `http://127.0.0.1:${hub.port}`;
      const late = performance.now() + RECOVERY_MS;
      for (let done = false; !done; ) {
        const probe = this.event(['probe'], 0);
        const forMs = late - performance.now();
        if (!(await publish(this, [{ ...probe, key: `probe ${probe.event.data}` }], { origin, forMs })))
          return this.ledger.violation(`${hub.name} took no event for ${RECOVERY_MS} ms after the fault`);
        this.epoch = /** @type {import('./ledger/cursor.mjs').Cursor} */ (probe.event.places.at(-1)).epoch;
        done = !succession || this.epoch !== before;
        if (!done && performance.now() > late) return this.ledger.violation(`${hub.name} stayed in epoch ${before}`);
      }
    }
    if (succession) this.ledger.succeeded(before, this.epoch, succession.lossless);
  }

  /** Ends the publishing, waits until everybody is at the end, and closes the books. @returns {Promise<string[]>} */
  async balance() {
    if (this.snapshots) this.snapshots.calm = true;
    await this.#publishers?.stop();
    const last = this.event(CHANNELS, 0);
    if (!(await publish(this, [{ ...last, key: 'last' }]))) this.ledger.violation('the last event was not accepted');
    const { epoch, offset } = last.event.places.at(-1) ?? parse('');
    const head = `${epoch}-${offset}`;
    const there = () => this.ledger.readers.every((reader) => reader.left || reader.cursor === head);
    if (!(await until(there, ARRIVAL_MS)))
      for (const { name, cursor, left } of this.ledger.readers)
        if (!left && cursor !== head) this.ledger.violation(`${name} stands at ${cursor}, and the end is ${head}`);
    const mayEvict = (/** @type {readonly string[]} */ channels) =>
      this.evicts ||
      this.#bytes > RETAIN.bytes ||
      channels.some((channel) => (this.#published.get(channel) ?? 0) > RETAIN.events);
    return this.ledger.balance(head, { mayEvict });
  }

  close() {
    for (const client of [...this.clients, ...this.#ours]) client.close();
    this.site.close();
    this.snapshots?.close();
    this.relay?.close();
  }
}
