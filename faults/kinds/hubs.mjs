import { sleep, until } from '../parts/wait.mjs';
import { publish } from '../publishers.mjs';

/** @typedef {import('./clients.mjs').Kind} Kind */
/** @typedef {import('../world.mjs').World} World */

const STORM = 1_000;
const STORM_EVENTS = 20;
const PATIENCE_MS = 40_000;

/** @param {World} world @param {number} count */
async function publishStorm(world, count) {
  for (let i = 0; i < count; i++) {
    const sent = world.event(['storm'], 20);
    await publish(world, [{ ...sent, key: `storm ${sent.event.data}` }]);
  }
}

/**
 * kill -9 while it is writing: many events are on their way to it, and some of their answers on the way back.
 * @param {World} world @param {import('../parts/hub.mjs').Hub} hub @param {import('../parts/random.mjs').Random} random
 */
export async function killAmidWrites(world, hub, random) {
  const origin = () => `http://127.0.0.1:${hub.port}`;
  const writes = Array.from({ length: 30 }, async () => {
    for (let i = 0; i < 5; i++) await publish(world, [world.event()], { origin });
  });
  await sleep(random.between(0, 60));
  await hub.kill();
  await Promise.all(writes);
}

/** What befalls a hub, whatever its store. @type {Record<string, Kind>} */
export const hubFaults = {
  'a hub stopped': async (world, random) => {
    const hub = random.pick(world.hubs);
    hub.signal('SIGSTOP');
    await sleep(random.between(500, 4_000));
    hub.signal('SIGCONT');
    await world.recover();
  },

  '1,000 clients at once': async (world, random) => {
    let origin = world.anyHub();
    const clients = Array.from({ length: STORM }, () => world.client(['storm'], { origin: () => origin, retryMs: 50 }));
    const ready = () => clients.every(({ reader }) => reader.started);
    if (!(await until(ready, PATIENCE_MS)))
      world.ledger.violation(`${STORM} clients were not served in ${PATIENCE_MS} ms`);
    await publishStorm(world, STORM_EVENTS);
    // All come back at once, perhaps to another hub.
    origin = `http://127.0.0.1:${random.pick(world.hubs).port}`;
    for (const client of clients) client.cut();
    await publishStorm(world, STORM_EVENTS);
    const last = world.event(['storm'], 0);
    await publish(world, [{ ...last, key: `storm ${last.event.data}` }]);
    const there = () =>
      clients.every(({ reader }) => last.event.places.some(({ epoch, offset }) => reader.has(epoch, offset)));
    if (!(await until(there, PATIENCE_MS)))
      world.ledger.violation(`${STORM} clients did not come back in ${PATIENCE_MS} ms`);
    for (const client of clients) {
      client.reader.leave();
      client.close();
    }
  },
};
