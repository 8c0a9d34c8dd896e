import { expect, test } from 'vitest';
import { describeWith } from '../programs.js';
import { eventOf } from './log-parts.js';
import { Client, openLog, openServer, RedisServer } from './redis-parts.js';

const PROMPT = ['--repl-diskless-sync-delay', '0'];

/** Makes one server a replica of another, and waits until it has all that the other has. */
async function follow(replica: RedisServer, master: RedisServer): Promise<void> {
  await replica.run('REPLICAOF', '127.0.0.1', String(master.port));
  const link = async (): Promise<string> => String(await replica.run('INFO', 'replication'));
  await expect.poll(link, { timeout: 10_000 }).toContain('master_link_status:up');
  const seq = (server: RedisServer): Promise<unknown> => server.run('HGET', '{tinysse}:meta', 'seq');
  await expect.poll(() => seq(replica), { timeout: 10_000 }).toEqual(await seq(master));
}

const promote = (server: RedisServer): Promise<unknown> => server.run('REPLICAOF', 'NO', 'ONE');

describeWith(['redis-server'], 'a master that was a replica meanwhile', () => {
  test('has a new epoch although its process is the same, and a client that comes back is told of the loss', async () => {
    const [first, second] = [await RedisServer.start(PROMPT), await RedisServer.start(PROMPT)];
    const before = openServer(openLog(first.port));
    for (const data of ['0', '1', '2']) await before.publish(data, 'a');
    await follow(second, first);
    await promote(second);
    const lost = [await before.publish('lost', 'a'), await before.publish('lost too', 'a')];
    // Nobody looks at the log while the first follows the second and is promoted again.
    await before.close({ drainMs: 1 });
    await follow(first, second);
    await promote(first);
    const after = openServer(openLog(first.port));
    const ids: string[] = [];
    for (const data of ['3', '4', '5']) ids.push(await after.publish(data, 'a'));
    const client = await Client.open(after, ['a'], 'latest', lost[1]);
    await client.until(() => client.data.includes('5'));
    expect(client.data).toEqual(['3', '4', '5']);
    const resumedAt = ids[0]!.replace(/-4$/, '-3');
    expect(client.resets).toEqual([{ reason: 'epoch', lastEventId: lost[1], resumedAt }]);
  });

  test('has a new epoch while servers are connected to it', async () => {
    const [first, second] = [await RedisServer.start(PROMPT), await RedisServer.start(PROMPT)];
    const sse = openServer(openLog(first.port));
    const client = await Client.open(sse, ['a']);
    await sse.publish('0', 'a');
    await follow(second, first);
    await promote(second);
    await sse.publish('lost', 'a');
    await client.until(() => client.data.includes('lost'));
    await follow(first, second);
    await promote(first);
    const again = (): Promise<string> => sse.send({ channels: 'a', data: '1', key: '1' }).catch(({ code }) => code);
    await expect.poll(again, { timeout: 10_000 }).toMatch(/-/);
    await client.until(() => client.data.includes('1'));
    expect(client.data).toEqual(['0', 'lost', '1']);
    expect(client.resets).toMatchObject([{ reason: 'epoch' }]);
  });

  test('keeps its epoch when it gets its first replica: its replication id is new, and nothing is lost', async () => {
    const [master, replica] = [await RedisServer.start(PROMPT), await RedisServer.start(PROMPT)];
    const log = openLog(master.port);
    const { epoch } = await log.append(eventOf('a', '0'));
    const id = async (): Promise<string | undefined> =>
      /master_replid:(\w+)/.exec(String(await master.run('INFO', 'replication')))?.[1];
    const former = await id();
    await follow(replica, master);
    expect(await id()).not.toBe(former);
    expect(await log.append(eventOf('a', '1'))).toEqual({ epoch, offset: 2 });
    // The promoted replica is another server.
    await promote(replica);
    expect((await openLog(replica.port).head()).epoch).not.toBe(epoch);
  });
});
