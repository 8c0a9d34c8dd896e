import { sleep, until } from '../parts/wait.mjs';
import { publish } from '../publishers.mjs';

/** @typedef {import('../world.mjs').World} World */
/** @typedef {import('../parts/random.mjs').Random} Random */
/** @typedef {(world: World, random: Random) => Promise<unknown>} Kind */

/** What befalls clients and their connections. @type {Record<string, Kind>} */
export const clientFaults = {
  'all connections cut': async ({ relay }, random) => {
    relay?.cut();
    await sleep(random.between(0, 1_500));
    relay?.restore();
  },

  'all connections stalled': async ({ relay }, random) => {
    relay?.stall();
    await sleep(random.between(500, 4_000));
    if (random.chance(0.5)) {
      relay?.cut();
      relay?.restore();
    }
    relay?.flow();
  },

  'one connection cut': async ({ clients }, random) => {
    for (let i = random.between(1, 5); i > 0; i--) {
      random.pick(clients).cut();
      await sleep(random.between(0, 200));
    }
  },

  'a client that does not read': async ({ clients }, random) => {
    const client = random.pick(clients);
    client.pause();
    await sleep(random.between(1_000, 8_000));
    client.resume();
  },

  'a client that is away': async ({ clients }, random) => {
    const client = random.pick(clients);
    client.leave();
    await sleep(random.between(1_000, 12_000));
    client.back();
  },

  'a client that comes and goes': async (world, random) => {
    const client = world.client(random.pick([['a'], ['busy', 'quiet'], ['a', 'b', 'fat'], ['quiet']]));
    await sleep(random.between(500, 5_000));
    client.reader.leave();
    client.close();
  },

  'a browser cut': async ({ site }, random) => {
    const visitors = [...site.visitors.values()];
    if (visitors.length > 0) site.cut(random.pick(visitors));
  },

  'a browser cut before its first event': async (world, random) => {
    const fresh = [...world.site.visitors.values()].filter(({ channels }) => channels.includes('fresh'));
    if (fresh.length === 0) return;
    const visitor = random.pick(fresh);
    const { generation } = visitor;
    visitor.renew = true;
    // Other faults go on meanwhile: then this one is not made.
    if (!(await until(() => visitor.generation > generation && visitor.reader.started, 10_000))) return;
    world.site.cut(visitor);
    world.site.refuses = true;
    const sent = world.event(['fresh']);
    await publish(world, [{ ...sent, key: `fresh ${sent.event.data}` }], { forMs: 20_000 });
    world.site.refuses = false;
  },
};
