import { createHubPublisher } from 'tinysse/publisher';
import { TOKEN } from './parts/hub.mjs';
import { sleep } from './parts/wait.mjs';

const ANSWER_MS = 8_000;
const PAUSE_MS = 300;
/** The log's troubles after which nobody can say whether it has the event. */
const PASSING = /^LOG_(UNAVAILABLE|TIMEOUT|BUSY|CLOSED)$/;
const NONE = { id: undefined, code: 'NETWORK' };

/** @typedef {{ id?: string | undefined, code?: string | undefined }} Answer */
/** @typedef {import('./ledger/ledger.mjs').Event} Event */
/** @typedef {import('./world.mjs').World} World */
/** @typedef {{ event: Event, data: string, key?: string | undefined }} Sent */

/** @param {string} text @returns {Answer} */
function read(text) {
  try {
    const { id, error } = JSON.parse(text);
    return { id, code: error?.code };
  } catch {
    return NONE;
  }
}

/** @param {string} url @param {string} type @param {string} body @returns {Promise<string>} */
async function post(url, type, body) {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': type };
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
    return await response.text();
  } catch {
    return '';
  }
}

/** One event as the body of a request. @param {string} origin @param {Sent} sent */
async function postOne(origin, { event, data, key }) {
  const query = new URLSearchParams([
    ...event.channels.map((channel) => ['channel', channel]),
    ...(key ? [['key', key]] : []),
  ]);
  return [read(await post(`${origin}/publish?${query}`, 'text/plain', data))];
}

/** Events as lines. @param {string} origin @param {readonly Sent[]} all */
async function postLines(origin, all) {
  const lines = all.map(({ event: { channels }, data, key }) => JSON.stringify({ channels, data, key }));
  const answers = (await post(`${origin}/publish`, 'application/x-ndjson', lines.join('\n'))).split('\n');
  return all.map((_, i) => read(answers[i] ?? ''));
}

/**
 * Publishes once, or with keys as often as it takes, and enters what came of it.
 * @param {World} world @param {readonly Sent[]} all @param {{ origin?: () => string, forMs?: number }} [options]
 * @returns {Promise<boolean>} whether all are in the log
 */
export async function publish(world, all, { origin = () => world.anyHub(), forMs = 60_000 } = {}) {
  const late = performance.now() + forMs;
  let left = [...all];
  /** Which may be in the log. @type {Set<Sent>} */
  const doubtful = new Set();
  for (;;) {
    const lines = left.length > 1 || (left[0]?.key === undefined && world.random.chance(0.3));
    const answers = lines ? await postLines(origin(), left) : await postOne(origin(), /** @type {Sent} */ (left[0]));
    const again = left.filter((sent, i) => {
      const { id, code } = answers[i] ?? NONE;
      if (id) return void world.ledger.accepted(sent.event, id);
      const refused = code !== undefined && code !== 'NETWORK' && !PASSING.test(code);
      if (refused && code !== 'LOG_FULL')
        world.ledger.violation(`publishing ${sent.event.data} was refused with ${code}`);
      if (!refused) doubtful.add(sent);
      if (sent.key !== undefined && performance.now() < late) return true;
      if (doubtful.has(sent)) world.ledger.unknown(sent.event);
      else world.ledger.rejected(sent.event);
      return false;
    });
    if (again.length === 0) return all.every(({ event }) => event.outcome === 'accepted');
    for (const { event } of again) event.tries++;
    left = again;
    await sleep(PAUSE_MS);
  }
}

/** Publishes all the time, in every way, until told to stop. */
export class Publishers {
  #world;
  #stopped = false;
  /** @type {Promise<unknown>[]} */
  #loops = [];

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
    const random = world.random.fork();
    const repeat = (/** @type {number} */ ms, /** @type {() => unknown} */ act) =>
      this.#loops.push(this.#repeat(random.fork(), ms, act));
    for (let i = 0; i < 2; i++) {
      repeat(60, () => publish(world, [world.event()]));
      repeat(60, () => publish(world, [this.#keyed()]));
    }
    for (const one of [() => world.event(), () => this.#keyed()]) repeat(200, () => publish(world, this.#many(one)));
    repeat(2_000, () => publish(world, [world.event(['quiet'])]));
    repeat(60, () => publish(world, [world.event(['fat'], 10_000)]));
    this.#loops.push(this.#ours(random.fork()));
  }

  /** @param {import('./parts/random.mjs').Random} random @param {number} ms - most between two @param {() => unknown} act */
  async #repeat(random, ms, act) {
    while (!this.#stopped) {
      await act();
      await sleep(random.between(1, ms));
    }
  }

  #keyed() {
    const sent = this.#world.event();
    return { ...sent, key: `key ${sent.event.data}` };
  }

  /** @param {() => Sent} one */
  #many(one) {
    return Array.from({ length: this.#world.random.between(2, 12) }, one);
  }

  /** The publisher of this project: it sends again by itself, with keys of its own. @param {import('./parts/random.mjs').Random} random */
  async #ours(random) {
    const world = this.#world;
    const publisher = createHubPublisher({
      url: world.front,
      token: TOKEN,
      answerTimeoutMs: ANSWER_MS,
      logger: () => {},
    });
    const waiting = new Set();
    while (!this.#stopped) {
      for (let i = random.between(1, 8); i > 0; i--) {
        const { event, data } = world.event();
        // It may be sent again at any time.
        event.tries = 2;
        const answer = publisher.publish(data, ...event.channels).then(
          (id) => world.ledger.accepted(event, id),
          ({ outcome, code }) => {
            if (outcome !== 'unknown' && code !== 'LOG_FULL')
              world.ledger.violation(`publishing ${event.data} was refused with ${code}`);
            if (outcome === 'rejected') world.ledger.rejected(event);
            else world.ledger.unknown(event);
          },
        );
        waiting.add(answer);
        void answer.finally(() => waiting.delete(answer));
      }
      await sleep(random.between(1, 200));
      while (publisher.pending > 500 && !this.#stopped) await sleep(50);
    }
    await publisher.close();
    await Promise.all(waiting);
  }

  /** Resolves when what was sent is answered or given up. */
  async stop() {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }
}
