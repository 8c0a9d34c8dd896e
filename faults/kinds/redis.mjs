import { Hub, TOKEN } from '../parts/hub.mjs';
import { DURABLE, NEARLY_DURABLE, RedisServer } from '../parts/redis-server.mjs';
import { Relay } from '../parts/relay.mjs';
import { sleep, until } from '../parts/wait.mjs';
import { publish } from '../publishers.mjs';
import { stepClock } from './clock.mjs';
import { hubFaults, killAmidWrites } from './hubs.mjs';

/** @typedef {import('./clients.mjs').Kind} Kind */

const HUBS = 3;
/** Serves a replica at once. */
const PROMPT = ['--repl-diskless-sync-delay', '0'];
/** More than the tail of the log holds. */
const BEYOND_TAIL = { events: 20, length: 900_000 };

/** More than what a hub says of itself holds when it says no more. */
const FORGOTTEN_MS = 11_000;
/** So little that what nobody has used for longest is enough: were it all, the log would begin anew many times. */
const FREED = 1_000;

/**
 * Makes a server follow what is at a port, and waits until it has all of it.
 * @param {RedisServer} replica @param {number} port @param {import('../world.mjs').World} world
 */
async function follow(replica, port, world) {
  await replica.run('REPLICAOF', '127.0.0.1', String(port));
  for (let i = 0; i < 300; i++) {
    const info = String(await replica.run('INFO', 'replication').catch(() => ''));
    if (info.includes('master_link_status:up')) return;
    await sleep(50);
  }
  world.ledger.violation('the replica did not follow its master');
}

/** Whether a hub says that a channel has subscribers. @param {Hub} hub @param {string} channel */
async function subscribed(hub, channel) {
  const url = `http://127.0.0.1:${hub.port}/channels?prefix=${encodeURIComponent(channel)}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
  return (await answer.text()).includes(`"${channel}"`);
}

/** Hubs that share a Redis, and what may befall them. @param {(what: string) => void} failed @param {readonly string[]} flags */
export async function redisStore(failed, flags) {
  let master = await RedisServer.start([...DURABLE, ...PROMPT]);
  const retired = new Set([master]);
  const relays = await Promise.all(Array.from({ length: HUBS }, () => Relay.start(() => master.port)));
  const hubs = await Promise.all(
    relays.map(({ port }, i) => Hub.at(`hub ${i + 1}`, ['--redis', `redis://127.0.0.1:${port}`, ...flags], failed)),
  );
  await Promise.all(hubs.map((hub) => hub.start()));
  let startedAt = performance.now();

  /** @param {readonly string[]} durability */
  const restart = async (durability) => {
    await master.kill();
    master.args = [...durability, ...PROMPT];
    await master.start();
    startedAt = performance.now();
  };

  /** @type {Record<string, Kind>} */
  const faults = {
    ...hubFaults,
    'kill -9 of a hub': async (world, random) => {
      const hub = random.pick(hubs);
      await killAmidWrites(world, hub, random);
      await sleep(random.between(0, 2_000));
      await hub.start();
      await world.recover();
    },
    'SIGTERM of a hub': async (world, random) => {
      const hub = random.pick(hubs);
      await hub.drain();
      await hub.start();
      await world.recover();
    },
    'kill -9 of Redis': async (world, random) => {
      const lossless = master.args.includes('always');
      // What it has begun must be on disk: after that only the last second may be lost.
      if (!lossless) await sleep(Math.max(0, 3_000 - (performance.now() - startedAt)));
      await master.kill();
      await sleep(random.between(0, 3_000));
      await restart(random.chance(0.7) ? DURABLE : NEARLY_DURABLE);
      await world.recover({ lossless });
    },
    'a lossy failover': async (world, random) => {
      const replica = await RedisServer.start([...DURABLE, ...PROMPT]);
      retired.add(replica);
      const replication = await Relay.start(master.port);
      await follow(replica, replication.port, world);
      await sleep(random.between(0, 1_000));
      replication.cut();
      await sleep(random.between(50, 1_500));
      const former = master;
      await former.kill();
      await replica.run('REPLICAOF', 'NO', 'ONE');
      replication.close();
      for (const relay of relays) relay.cut();
      master = replica;
      startedAt = performance.now();
      for (const relay of relays) relay.restore();
      await world.recover({ lossless: false });
      retired.delete(former);
      await former.end();
    },
    'a master demoted and promoted again': async (world, random) => {
      const other = await RedisServer.start([...DURABLE, ...PROMPT]);
      retired.add(other);
      await follow(other, master.port, world);
      await sleep(random.between(0, 500));
      await other.run('REPLICAOF', 'NO', 'ONE');
      // What it takes from here on is lost.
      await sleep(random.between(0, 1_500));
      // No hub looks at it meanwhile, or all do.
      const unseen = random.chance(0.7);
      if (unseen) for (const relay of relays) relay.cut();
      await follow(master, other.port, world);
      await master.run('REPLICAOF', 'NO', 'ONE');
      if (unseen) for (const relay of relays) relay.restore();
      await world.recover({ lossless: false });
      retired.delete(other);
      await other.end();
    },
    'Redis evicts by itself': async (world, random) => {
      const number = async (/** @type {RegExp} */ field) => Number(field.exec(String(await master.run('INFO')))?.[1]);
      const evicted = await number(/evicted_keys:(\d+)/);
      const before = world.epoch;
      world.evicts = true;
      await master.run('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'maxmemory-samples', '64');
      for (let times = random.between(1, 4); times > 0; times--) {
        const used = await number(/used_memory:(\d+)/);
        await master.run('CONFIG', 'SET', 'maxmemory', String(used - FREED));
        await master.run('CONFIG', 'SET', 'maxmemory', '0');
        await sleep(random.between(50, 1_000));
      }
      await master.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      if ((await number(/evicted_keys:(\d+)/)) > evicted) {
        world.made('keys evicted');
        world.ledger.keysWereLost = true;
      }
      await world.recover();
      if (world.epoch !== before) world.ledger.succeeded(before, world.epoch, false);
    },
    'a stepped clock': async (world, random) => {
      const hub = random.pick(hubs);
      const channel = `clock ${world.ledger.readers.length}`;
      const client = world.client([channel], { origin: () => `http://127.0.0.1:${hub.port}` });
      await stepClock(hub, random, async () => {
        if (!(await until(() => client.reader.started, 10_000))) return;
        await sleep(FORGOTTEN_MS);
        for (const other of hubs)
          if (!(await subscribed(other, channel)))
            world.ledger.violation(`${other.name} does not count the streams of ${hub.name}, whose clock was set back`);
      });
      client.reader.leave();
      client.close();
      await world.recover();
    },
    'all of Redis flushed': async (world) => {
      await master.run('FLUSHALL');
      await world.recover({ lossless: false });
    },
    'Redis stopped': async (world, random) => {
      master.signal('SIGSTOP');
      await sleep(random.between(500, 6_000));
      master.signal('SIGCONT');
      await world.recover();
    },
    'a hub cut off from Redis': async (world, random) => {
      const relay = random.pick(relays);
      relay.cut();
      await sleep(random.between(0, 5_000));
      relay.restore();
      await world.recover();
    },
    'a hub stalled towards Redis': async (world, random) => {
      const relay = random.pick(relays);
      relay.stall();
      await sleep(random.between(500, 7_000));
      relay.flow();
      await world.recover();
    },
    'a hub stopped beyond the tail': async (world, random) => {
      const stopped = random.pick(hubs);
      const other = random.pick(hubs.filter((hub) => hub !== stopped));
      const client = world.client(['large'], { origin: () => `http://127.0.0.1:${stopped.port}` });
      await until(() => client.reader.started, 10_000);
      stopped.signal('SIGSTOP');
      for (let i = 0; i < BEYOND_TAIL.events; i++) {
        const sent = world.event(['large'], BEYOND_TAIL.length);
        await publish(world, [{ ...sent, key: `large ${sent.event.data}` }], {
          origin: () => `http://127.0.0.1:${other.port}`,
        });
      }
      stopped.signal('SIGCONT');
      await world.recover();
      client.reader.leave();
      client.close();
    },
  };
  const close = async () => {
    await Promise.all(hubs.map((hub) => hub.kill()));
    for (const relay of relays) relay.close();
    await Promise.all([...retired].map((server) => server.end()));
  };
  return { hubs, faults, note: undefined, close };
}
