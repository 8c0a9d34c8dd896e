import { createSentinel } from 'redis';
import type { SSEError } from 'tinysse';
import { type RedisLog, redisLog } from 'tinysse/redis';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../programs.js';
import { eventOf } from './log-parts.js';
import { Client, openLog, openServer, RedisServer, Relay } from './redis-parts.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Serves a replica at once. */
const PROMPT = [...DURABLE, '--repl-diskless-sync-delay', '0'];

/** Publishes `first`, `first + 1`, … one after the other. @returns their ids */
async function publish(sse: ReturnType<typeof openServer>, first: number, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = first; i < first + count; i++) ids.push(await sse.publish(String(i), 'a'));
  return ids;
}

const numbers = (first: number, count: number): string[] => Array.from({ length: count }, (_, i) => String(first + i));

const cursorOf = (id: string): { epoch: string; offset: number } => {
  const [epoch, offset] = id.split('-');
  return { epoch: epoch as string, offset: Number(offset) };
};

/** What the log still has of a channel. */
const stored = async (log: RedisLog): Promise<string[]> => {
  const query = { after: 0, upTo: Number.MAX_SAFE_INTEGER, maxEvents: 10_000, maxBytes: 2 ** 30 };
  return (await log.read({ ...query, channels: eventOf('a', '').channels })).entries.map(({ data }) => data);
};

describeWith(['redis-server'], 'when Redis', () => {
  test('restarts on its append-only file, nothing is lost, and clients are told of a new epoch', async () => {
    const server = await RedisServer.start(DURABLE);
    const log = openLog(server.port);
    const sse = openServer(log);
    const client = await Client.open(sse, ['a']);
    const before = await publish(sse, 0, 10);
    await server.kill();
    await server.start();
    const after = await publish(sse, 10, 10);
    await client.until(() => client.data.includes('19'));
    const [{ offset }, { epoch }] = [cursorOf(before[4] as string), cursorOf(after[0] as string)];
    const resumedAt = `${epoch}-${cursorOf(before[9] as string).offset}`;
    expect(client.resets).toEqual([{ reason: 'epoch', lastEventId: before[9], resumedAt }]);
    expect(client.data).toEqual(numbers(0, 20));
    expect(await stored(log)).toEqual(numbers(0, 20));
    expect(await log.resume(cursorOf(before[4] as string))).toEqual({ epoch, offset });
  });

  test('restarts several times, a cursor of any former epoch is still known', async () => {
    const server = await RedisServer.start(DURABLE);
    const log = openLog(server.port);
    const cursors: { epoch: string; offset: number }[] = [];
    for (let i = 0; i < 4; i++) {
      cursors.push(await log.append(eventOf('a', String(i))));
      await server.kill();
      await server.start();
    }
    const { epoch } = await log.head();
    expect(new Set([epoch, ...cursors.map((cursor) => cursor.epoch)]).size).toBe(5);
    for (const cursor of cursors) expect(await log.resume(cursor)).toEqual({ ...cursor, epoch });
    expect(await log.resume({ epoch: '0123456789abcdef', offset: 7 })).toEqual({ epoch, offset: 0 });
  });

  test('restarts with nothing, clients are told and get what is published then', async () => {
    const server = await RedisServer.start();
    const log = openLog(server.port);
    const sse = openServer(log);
    const client = await Client.open(sse, ['a']);
    const before = await publish(sse, 0, 10);
    await server.kill();
    await server.start();
    const after = await publish(sse, 10, 3);
    await client.until(() => client.data.includes('12'));
    expect(client.data).toEqual(numbers(0, 13));
    const { epoch, offset } = cursorOf(after[0] as string);
    expect(offset).toBe(1);
    expect(client.resets).toEqual([{ reason: 'epoch', lastEventId: before[9], resumedAt: `${epoch}-0` }]);
    expect(await log.resume(cursorOf(before[9] as string))).toEqual({ epoch, offset: 0 });
  });

  test('fails over to a replica that lost its last writes, clients go on from what both have', async () => {
    const [master, replica] = [await RedisServer.start(PROMPT), await RedisServer.start(DURABLE)];
    const address = await Relay.start(master.port);
    const replication = await Relay.start(master.port);
    await replica.run('REPLICAOF', '127.0.0.1', String(replication.port));
    const log = openLog(address.port);
    const sse = openServer(log);
    const client = await Client.open(sse, ['a']);
    const kept = await publish(sse, 0, 10);
    await expect
      .poll(async () => String(await replica.run('HGET', '{tinysse}:meta', 'seq')), { timeout: 10_000 })
      .toBe('10');
    replication.cut();
    const lost = await publish(sse, 10, 5);
    await client.until(() => client.data.includes('14'));
    await master.kill();
    address.cut();
    await replica.run('REPLICAOF', 'NO', 'ONE');
    address.restore(replica.port);
    const after = await publish(sse, 20, 5);
    await client.until(() => client.data.includes('24'));
    const { epoch } = cursorOf(after[0] as string);
    const resumedAt = `${epoch}-${cursorOf(kept[9] as string).offset}`;
    expect(client.resets).toEqual([{ reason: 'epoch', lastEventId: lost[4], resumedAt }]);
    expect(client.data).toEqual([...numbers(0, 15), ...numbers(20, 5)]);
    expect(await stored(log)).toEqual([...numbers(0, 10), ...numbers(20, 5)]);
    // Whoever saw what was lost goes on after what was not; whoever did not goes on where it was.
    expect(await log.resume(cursorOf(lost[4] as string))).toEqual({
      epoch,
      offset: cursorOf(kept[9] as string).offset,
    });
    expect(await log.resume(cursorOf(kept[3] as string))).toEqual({
      epoch,
      offset: cursorOf(kept[3] as string).offset,
    });
  });

  test('fails over under Sentinel, nodes find the new master and clients go on', async () => {
    const [master, replica] = [await RedisServer.start(PROMPT), await RedisServer.start(DURABLE)];
    await replica.run('REPLICAOF', '127.0.0.1', String(master.port));
    const up = async (): Promise<string> => String(await replica.run('INFO', 'replication'));
    await expect.poll(up, { timeout: 10_000 }).toContain('master_link_status:up');
    const sentinel = await RedisServer.sentinel(master.port);
    const known = async (): Promise<number> => ((await sentinel.run('SENTINEL', 'REPLICAS', 'mymaster')) as []).length;
    await expect.poll(known, { timeout: 15_000, interval: 200 }).toBe(1);
    const sentinelRootNodes = [{ host: '127.0.0.1', port: sentinel.port }];
    const log = redisLog({ client: createSentinel({ name: 'mymaster', sentinelRootNodes }) });
    onTestFinished(() => log.close());
    const sse = openServer(log);
    const client = await Client.open(sse, ['a']);
    await publish(sse, 0, 5);
    await client.until(() => client.data.includes('4'));
    await master.kill();
    const again = (): Promise<string> =>
      sse.send({ channels: 'a', data: '5', key: '5' }).catch(({ outcome }) => outcome);
    await expect.poll(again, { timeout: 25_000 }).toMatch(/-/);
    await client.until(() => client.data.includes('5'));
    expect(client.resets).toMatchObject([{ reason: 'epoch' }]);
    expect(client.data).toEqual(numbers(0, 6));
  });

  test('is flushed, clients are told without anything being published', async () => {
    const server = await RedisServer.start();
    const log = openLog(server.port);
    const sse = openServer(log);
    const client = await Client.open(sse, ['a']);
    await publish(sse, 0, 10);
    await server.run('FLUSHALL');
    await client.until(() => client.resets.length > 0);
    expect(client.resets).toMatchObject([{ reason: 'epoch' }]);
    await publish(sse, 10, 20);
    await client.until(() => client.data.includes('29'));
    expect(client.data).toEqual(numbers(0, 30));
    expect(client.resets).toHaveLength(1);
  });

  test('is flushed, an event published at once arrives on every node', async () => {
    const server = await RedisServer.start();
    const [one, two] = [openServer(openLog(server.port)), openServer(openLog(server.port))];
    const clients = await Promise.all([one, two].map((sse) => Client.open(sse, ['a'])));
    await publish(one, 0, 10);
    await server.run('FLUSHALL');
    await publish(one, 10, 20);
    for (const client of clients) {
      await client.until(() => client.data.includes('29'));
      expect(client.data).toEqual(numbers(0, 30));
      expect(client.resets).toMatchObject([{ reason: 'epoch' }]);
    }
  });

  test('loses the tail or the head alone, nothing goes missing in silence', async () => {
    const server = await RedisServer.start();
    const sse = openServer(openLog(server.port));
    const other = openServer(openLog(server.port));
    const client = await Client.open(other, ['a']);
    await publish(sse, 0, 3);
    await server.run('DEL', '{tinysse}:tail');
    await publish(sse, 3, 3);
    await client.until(() => client.data.includes('5'));
    expect(client.data).toEqual(numbers(0, 6));
    await server.run('DEL', '{tinysse}:meta');
    await publish(sse, 6, 3);
    await client.until(() => client.data.includes('8'));
    expect(client.data).toEqual(numbers(0, 9));
    expect(client.resets).toMatchObject([{ reason: 'epoch' }]);
  });

  test('is cut off amid publishes, each is stored, rejected or unknown, and clients get all that is stored', async () => {
    const server = await RedisServer.start();
    const relay = await Relay.start(server.port);
    const sse = openServer(openLog(relay.port));
    const client = await Client.open(sse, ['a']);
    const outcomes = new Map<string, string>();
    let next = 0;
    for (let round = 0; round < 5; round++) {
      const publishes: Promise<void>[] = [];
      for (let i = 0; i < 50; i++) {
        const data = String(next++);
        const answer = sse.publish(data, 'a').then(
          () => 'stored',
          (error: SSEError) => `${error.code} ${error.outcome}`,
        );
        publishes.push(answer.then((outcome) => void outcomes.set(data, outcome)));
        if (i % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
      }
      relay.cut();
      relay.restore();
      await Promise.all(publishes);
    }
    await sse.publish('last', 'a');
    await client.until(() => client.data.includes('last'));
    expect(client.resets).toEqual([]);
    expect(client.data).toEqual(await stored(openLog(server.port)));
    expect(new Set(client.data).size).toBe(client.data.length);
    for (const [data, outcome] of outcomes) {
      expect(outcome).toMatch(/^(stored|LOG_UNAVAILABLE (rejected|unknown))$/);
      if (outcome === 'stored') expect(client.data).toContain(data);
      if (outcome.endsWith('rejected')) expect(client.data).not.toContain(data);
    }
  });

  test('is away, publishes are rejected within their deadline, streams stay and catch up', async () => {
    const server = await RedisServer.start();
    const relay = await Relay.start(server.port);
    const sse = openServer(openLog(relay.port));
    const near = openServer(openLog(server.port));
    const client = await Client.open(sse, ['a']);
    await publish(sse, 0, 1);
    relay.cut();
    // The first one may be on its way before the loss is noticed; it does not arrive.
    await expect(sse.publish('never', 'a')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await expect(sse.publish('never', 'a')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'rejected' });
    await publish(near, 1, 3);
    relay.restore();
    await client.until(() => client.data.includes('3'));
    expect(client.data).toEqual(numbers(0, 4));
    expect(client.resets).toEqual([]);
  });

  test('hangs, a publish on its way is unknown within its deadline, and the log comes back', async () => {
    const server = await RedisServer.start();
    const sse = openServer(openLog(server.port));
    const client = await Client.open(sse, ['a']);
    await publish(sse, 0, 1);
    server.signal('SIGSTOP');
    await expect(sse.publish('perhaps', 'a')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'unknown' });
    server.signal('SIGCONT');
    await publish(sse, 1, 1);
    await client.until(() => client.data.includes('1'));
    expect(client.data.filter((data) => data !== 'perhaps')).toEqual(numbers(0, 2));
    expect(client.data.filter((data) => data === 'perhaps').length).toBeLessThanOrEqual(1);
    expect(client.resets).toEqual([]);
  });

  test('cannot be reached from the start, it says so, and is used once it is there', async () => {
    const server = await RedisServer.start();
    const relay = await Relay.start(server.port);
    relay.cut();
    const sse = openServer(openLog(relay.port));
    await expect(sse.publish('x', 'a')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'rejected' });
    relay.restore();
    await sse.publish('x', 'a');
  });
});
