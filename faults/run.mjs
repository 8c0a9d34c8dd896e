// npm run test:faults -- [--seconds N] [--seed S] [--store lmdb|redis|both]
import { browsers, openBrowser } from './clients/browsers.mjs';
import { clientFaults } from './kinds/clients.mjs';
import { lmdbStore } from './kinds/lmdb.mjs';
import { redisStore } from './kinds/redis.mjs';
import { readOptions, USAGE } from './options.mjs';
import { Random } from './parts/random.mjs';
import { killAll } from './parts/running.mjs';
import { sleep } from './parts/wait.mjs';
import { progress, summary } from './summary.mjs';
import { World } from './world.mjs';

const STORES = { lmdb: lmdbStore, redis: redisStore };
/** Beyond the time asked for, so long may starting, the last faults and the end take. */
const GRACE_MS = 240_000;

/** @type {import('./options.mjs').Options} */
let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${/** @type {Error} */ (error).message}\n\n${USAGE}`);
  process.exit(2);
}
const { seconds, seed, stores } = options;
console.log(`seed ${seed}, ${seconds} s, ${stores.join(' and ')}`);
const began = performance.now();
const say = (/** @type {string} */ text) =>
  console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)} s  ${text}`);

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
setTimeout(
  () => {
    console.error('not done in time');
    process.exit(1);
  },
  seconds * 1_000 + GRACE_MS,
).unref();

const random = new Random(seed);
/** @type {World[]} */
const worlds = [];
/** @type {(() => unknown)[]} */
const closing = [];
let until = 0;

/** Makes one fault after the other. @param {World} world @param {Record<string, import('./kinds/clients.mjs').Kind>} kinds @param {number} pauseMs */
async function befall(world, kinds, pauseMs) {
  const random = world.random.fork();
  const names = Object.keys(kinds);
  /** Every kind comes once before any comes again. @type {string[]} */
  let left = [];
  while (performance.now() < until) {
    if (left.length === 0)
      left = names
        .map((name) => ({ name, at: random.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ name }) => name);
    const name = /** @type {string} */ (left.pop());
    world.made(name);
    try {
      await kinds[name](world, random);
    } catch (error) {
      world.ledger.violation(`${name} could not be made: ${/** @type {Error} */ (error).stack}`);
      return;
    }
    await sleep(random.between(pauseMs / 4, pauseMs));
  }
}

try {
  /** @type {(() => Promise<unknown>)[]} */
  const loops = [];
  for (const name of stores) {
    const world = new World(name, random.fork(), say);
    worlds.push(world);
    const { hubs, faults, note, close } = await STORES[name](
      (what) => world.ledger.violation(what),
      await world.flags(),
    );
    closing.push(close);
    if (note) say(`${name}: ${note}`);
    await world.begin(hubs);
    closing.push(() => world.close());
    loops.push(
      () => befall(world, faults, 800),
      () => befall(world, clientFaults, 1_000),
    );
  }
  for (const name of browsers) {
    const pages = worlds.flatMap((world) => world.pages(name));
    closing.push(await openBrowser(name, worlds[0].site.frames(pages)));
  }
  say(`browsers: ${browsers.join(' and ') || 'none is installed'}`);
  until = performance.now() + seconds * 1_000;
  const ticking = setInterval(() => say(progress(worlds)), 10_000);
  await Promise.all(loops.map((loop) => loop()));
  say('no more faults');
  await Promise.all(worlds.map((world) => world.balance()));
  clearInterval(ticking);
} catch (error) {
  for (const world of worlds.slice(0, 1)) world.ledger.violation(String(/** @type {Error} */ (error).stack));
} finally {
  for (const close of closing.reverse()) await close();
  await killAll();
}
const { text, ok } = summary(worlds);
console.log(text);
console.log(ok ? `The books balance (seed ${seed}).` : `The books do not balance (seed ${seed}).`);
process.exit(ok ? 0 : 1);
