import { createClient, createCluster, RESP_TYPES } from 'redis';
import { type RedisClient, redisLog } from 'tinysse/redis';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../programs.js';
import { eventOf } from './log-parts.js';
import { Client, openLog, openServer, RedisServer, Relay } from './redis-parts.js';

describeWith(['redis-server'], 'nodes that share a redisLog', () => {
  test('hear every event of every node, in the same order and with the same ids', async () => {
    const { port } = await RedisServer.start();
    const logs = [openLog(port), openLog(port), openLog(port)];
    const heard = await Promise.all(
      logs.map(async (log) => {
        const entries: string[] = [];
        await log.watch({
          committed: ({ offset, data }) => entries.push(`${offset} ${data}`),
          interrupted: () => entries.push('interrupted'),
        });
        return entries;
      }),
    );
    const acknowledged = await Promise.all(
      Array.from({ length: 600 }, async (_, i) => {
        const { offset } = await (logs[i % 3] as (typeof logs)[0]).append(eventOf('a', String(i)));
        expect(heard[i % 3]).toContain(`${offset} ${i}`);
        return `${offset} ${i}`;
      }),
    );
    // Each node has told of its own by now; one event more on every node, and everyone has been told of all.
    for (const log of logs) await log.append(eventOf('a', 'last'));
    const complete = heard[0]?.filter((entry) => !entry.endsWith('last'));
    expect(complete?.toSorted()).toEqual(acknowledged.toSorted());
    for (const entries of heard) expect(entries.slice(0, 601)).toEqual(heard[0]?.slice(0, 601));
  });

  test('take over a client without a gap, whichever it was connected to', async () => {
    const { port } = await RedisServer.start();
    const [one, two] = [openServer(openLog(port)), openServer(openLog(port))];
    const before = await Client.open(one, ['a']);
    for (let i = 0; i < 10; i++) await (i % 2 ? one : two).publish(String(i), 'a');
    await before.until(() => before.data.length >= 10);
    before.leave();
    for (let i = 10; i < 20; i++) await (i % 2 ? one : two).publish(String(i), 'a');
    const after = await Client.open(two, ['a'], 'latest', before.lastEventId);
    await two.publish('20', 'a');
    await after.until(() => after.data.includes('20'));
    expect([...before.data, ...after.data]).toEqual(Array.from({ length: 21 }, (_, i) => String(i)));
    expect([...before.resets, ...after.resets]).toEqual([]);
  });

  test('know each other by idempotency keys', async () => {
    const { port } = await RedisServer.start();
    const [one, two] = [openLog(port), openLog(port)];
    const twice = await Promise.all([one, two].map((log) => log.append(eventOf('a', 'x', { key: 'k' }))));
    expect(twice[0]).toEqual(twice[1]);
    await expect(two.append(eventOf('a', 'y', { key: 'k' }))).rejects.toMatchObject({
      code: 'KEY_REUSED',
      outcome: 'rejected',
    });
    expect(await two.stats()).toMatchObject({ events: 1 });
  });

  test('that fell further behind than the tail reaches read the rest from the history', async () => {
    const { port } = await RedisServer.start();
    const relay = await Relay.start(port);
    const near = openServer(openLog(port, { maxTailBytes: 1_000 }));
    const far = openServer(openLog(relay.port));
    const client = await Client.open(far, ['a']);
    relay.stall();
    for (let i = 0; i < 200; i++) await near.publish(String(i), 'a');
    relay.flow();
    await near.publish('last', 'a');
    await client.until(() => client.data.includes('last'));
    expect(client.data).toEqual([...Array.from({ length: 200 }, (_, i) => String(i)), 'last']);
    expect(client.resets).toEqual([]);
  });

  test('that fell behind the history too tell their clients what is missing', async () => {
    const { port } = await RedisServer.start();
    const relay = await Relay.start(port);
    const limits = { maxTailBytes: 1_000, maxEventsPerChannel: 10 };
    const near = openServer(openLog(port, limits));
    const far = openServer(openLog(relay.port, limits));
    const client = await Client.open(far, ['a']);
    relay.stall();
    const ids: string[] = [];
    for (let i = 0; i < 200; i++) ids.push(await near.publish(String(i), 'a'));
    relay.flow();
    await near.publish('last', 'a');
    await client.until(() => client.data.includes('last'));
    expect(client.resets).toMatchObject([{ reason: 'evicted' }]);
    const resumed = ids.indexOf(client.resets[0]?.resumedAt as string);
    expect(client.data).toEqual(
      [...ids.keys()]
        .slice(resumed + 1)
        .map(String)
        .concat('last'),
    );
  });

  test('may use RESP 2, a database of their own, and any mapping of types', async () => {
    const { port } = await RedisServer.start();
    const client = createClient({ socket: { host: '127.0.0.1', port }, RESP: 2, database: 3 });
    const log = redisLog({ client: client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }) });
    onTestFinished(() => log.close());
    const sse = openServer(log);
    const reader = await Client.open(sse, ['a']);
    await openServer(redisLog({ client })).publish('x', 'a');
    await reader.until(() => reader.data.includes('x'));
    expect(reader.resets).toEqual([]);
  });

  test('may use a Redis Cluster, which keeps the whole log in one slot', async () => {
    const server = await RedisServer.start(['--cluster-enabled', 'yes']);
    await server.run('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    const root = { socket: { host: '127.0.0.1', port: server.port } };
    await expect.poll(() => server.run('CLUSTER', 'INFO'), { timeout: 10_000 }).toContain('cluster_state:ok');
    const client: RedisClient = createCluster({ rootNodes: [root], defaults: root });
    const [one, two] = [redisLog({ client }), redisLog({ client })];
    onTestFinished(() => Promise.all([one.close(), two.close()]).then(() => {}));
    const reader = await Client.open(openServer(one), ['a', 'b']);
    const writer = openServer(two);
    await writer.publish('1', 'a', 'b');
    await writer.publish('2', 'b');
    await reader.until(() => reader.data.includes('2'));
    expect(reader.data).toEqual(['1', '2']);
  });
});
