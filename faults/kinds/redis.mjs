import { Hub } from '../parts/hub.mjs';
import { DURABLE, NEARLY_DURABLE, RedisServer } from '../parts/redis-server.mjs';
import { Relay } from '../parts/relay.mjs';
import { sleep, until } from '../parts/wait.mjs';
import { publish } from '../publishers.mjs';
import { RETAIN_FLAGS } from '../world.mjs';
import { hubFaults, killAmidWrites } from './hubs.mjs';

/** @typedef {import('./clients.mjs').Kind} Kind */

const HUBS = 3;
/** Serves a replica at once. */
const PROMPT = ['--repl-diskless-sync-delay', '0'];
/** More than the tail of the log holds. */
const BEYOND_TAIL = { events: 20, length: 900_000 };

/** Hubs that share a Redis, and what may befall them. @param {(what: string) => void} failed */
export async function redisStore(failed) {
  let master = await RedisServer.start([...DURABLE, ...PROMPT]);
  const retired = new Set([master]);
  const relays = await Promise.all(Array.from({ length: HUBS }, () => Relay.start(() => master.port)));
  const hubs = await Promise.all(
    relays.map(({ port }, i) =>
      Hub.at(`hub ${i + 1}`, ['--redis', `redis://127.0.0.1:${port}`, ...RETAIN_FLAGS], failed),
    ),
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
      await replica.run('REPLICAOF', '127.0.0.1', String(replication.port));
      let synced = false;
      for (let i = 0; i < 300 && !synced; i++) {
        synced = String(await replica.run('INFO', 'replication').catch(() => '')).includes('master_link_status:up');
        await sleep(50);
      }
      if (!synced) world.ledger.violation('the replica did not follow its master');
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
