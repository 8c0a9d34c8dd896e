import type { Membership, PeerCount } from 'tinysse';
import type { RedisLog } from 'tinysse/redis';
import { expect, test } from 'vitest';
import { Hub } from '../../../../faults/parts/hub.mjs';
import { Told } from '../../src/log/redis-told.js';
import { byCodePoint } from '../../src/protocol/order.js';
import { describeWith } from '../programs.js';
import { Client, monitor, openLog, openServer, RedisServer } from './redis-parts.js';

/** A server that says of itself what `counts` holds. */
const join = (log: RedisLog, counts: Map<string, number>): Membership => log.join!({ state: () => counts, told() {} });

const ALL = { prefix: '', after: '', limit: 1_000_000 };

const asked = async (member: Membership, query: Partial<typeof ALL> = {}): Promise<PeerCount[]> =>
  (await member.ask({ ...ALL, ...query })).toSorted(([a], [b]) => byCodePoint(a, b));

const within = { timeout: 10_000 };

test('a server tells of 100,000 names at most, and of others when some of them are gone', () => {
  const told = new Told();
  const counts = new Map<string, number>(Array.from({ length: 100_010 }, (_, i) => [`${i}`, 1] as const));
  const held = new Set<string>();
  const tellAll = (): void => {
    for (let more = true; more; ) {
      const changes = told.changes(() => counts);
      for (const text of changes.gone) held.delete(text);
      for (const text of changes.added) held.add(text);
      changes.done(held.size);
      more = changes.more;
    }
  };
  tellAll();
  expect(held.size).toBe(100_000);
  for (let i = 0; i < 5; i++) counts.delete(`${i}`);
  counts.set('7', 2);
  tellAll();
  tellAll();
  expect(held.size).toBe(100_000);
  expect([held.has('7\t1'), held.has('7\t2'), held.has('3\t1'), held.has('100004\t1')]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

describeWith(['redis-server'], 'what servers say of themselves in Redis', () => {
  test('is only what has changed: a quiet second costs the same however many channels there are', async () => {
    const { port } = await RedisServer.start();
    const counts = new Map<string, number>(Array.from({ length: 500 }, (_, i) => [`channel ${i}`, 1] as const));
    join(openLog(port), counts);
    const other = join(openLog(port), new Map());
    await expect.poll(() => asked(other), within).toHaveLength(500);
    const commands = await monitor(port);
    const says = (): string[] => commands.filter((line) => /"PEXPIRE"|"PX"/.test(line));
    await expect.poll(() => says().length, within).toBeGreaterThanOrEqual(6);
    expect(commands.filter((line) => line.includes('channel 7'))).toEqual([]);
    counts.set('channel 7', 3).set('new', 1).delete('channel 8');
    const expected = [...counts].sort(([a], [b]) => byCodePoint(a, b));
    await expect.poll(() => asked(other), within).toEqual(expected);
    expect(commands.filter((line) => line.includes('channel 9\\t'))).toEqual([]);
  });

  test('goes in commands of bounded size', async () => {
    const { port } = await RedisServer.start();
    const counts = new Map<string, number>(
      Array.from({ length: 5_000 }, (_, i) => [`${'x'.repeat(200)} ${i}`, 1] as const),
    );
    const other = join(openLog(port), new Map());
    const commands = await monitor(port);
    join(openLog(port), counts);
    await expect.poll(async () => (await asked(other)).length, within).toBe(5_000);
    expect(Math.max(...commands.map((line) => line.length))).toBeLessThan(256 * 2 ** 10);
  });

  test('is read page by page, in order of code points, over all servers', async () => {
    const { port } = await RedisServer.start();
    const [one, two] = [openServer(openLog(port)), openServer(openLog(port))];
    const names = ['a', 'ab', 'a b', 'a:1', 'a-1', 'b', 'é', '日本', '\uff5e', '😀', '\u{1f600}!'];
    await Client.open(
      one,
      names.filter((_, i) => i % 2 === 0),
    );
    await Client.open(
      two,
      names.filter((_, i) => i % 3 !== 0),
    );
    const count = (name: string): number =>
      Number(names.indexOf(name) % 2 === 0) + Number(names.indexOf(name) % 3 !== 0);
    const expected = names
      .filter((name) => count(name) > 0)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((channel) => [channel, count(channel)]);
    for (const sse of [one, two])
      for (const limit of [1, 2, 3, 100]) {
        const pages = async (): Promise<unknown[]> => {
          const all: [string, number][] = [];
          for (;;) {
            const page = await sse.channels({ after: all.at(-1)?.[0] ?? '', limit });
            if (page.length === 0) return all;
            expect(page.length).toBeLessThanOrEqual(limit);
            all.push(...page.map(({ channel, subscribers }) => [channel, subscribers] as [string, number]));
          }
        };
        await expect.poll(pages, within).toEqual(expected);
      }
    const beginning = async (prefix: string, after?: string): Promise<string[]> =>
      (await one.channels({ prefix, ...(after && { after }) })).map(({ channel }) => channel);
    expect(await beginning('a')).toEqual(expected.map(([name]) => String(name)).filter((name) => name.startsWith('a')));
    expect(await beginning('a', 'a-1')).toEqual(['a:1', 'ab'].filter((name) => count(name) > 0));
    expect(await beginning('a', 'b')).toEqual([]);
    for (const name of names) expect((await two.stats({ channel: name })).subscribers).toBe(count(name));
  });

  test('is said again when Redis has lost it, wholly or in part', async () => {
    const server = await RedisServer.start();
    const counts = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    join(openLog(server.port), counts);
    const other = join(openLog(server.port), new Map());
    const there = () => expect.poll(() => asked(other), within).toEqual([...counts]);
    await there();
    await server.run('FLUSHALL');
    await there();
    for (const key of (await server.run('KEYS', '*peer:*')) as string[]) await server.run('ZREM', key, 'a\t1');
    await there();
  });

  test('holds on when the clock of a server is set back', { timeout: 40_000 }, async () => {
    const { port } = await RedisServer.start();
    const failed = (what: string): never => {
      throw new Error(what);
    };
    const hub = await Hub.at('the hub', ['--redis', `redis://127.0.0.1:${port}`], failed);
    await hub.start({ clocked: true });
    try {
      const other = openServer(openLog(port));
      const stream = await fetch(`http://127.0.0.1:${hub.port}/events?channel=x`);
      const seen = async (): Promise<number> => (await other.stats({ channel: 'x' })).subscribers;
      await expect.poll(seen, within).toBe(1);
      hub.step(-3_600_000);
      const commands = await monitor(port);
      const says = (): string[] => commands.filter((line) => /"PEXPIRE"|"PX"/.test(line));
      // Those of this process and of the hub: both go on.
      await expect
        .poll(() => new Set(says().map((line) => /(?:peer|member):(\w+)/.exec(line)?.[1])).size, within)
        .toBe(2);
      const soFar = says().length;
      await expect.poll(() => says().length, within).toBeGreaterThan(soFar + 5);
      expect(await seen()).toBe(1);
      await stream.body?.cancel();
    } finally {
      await hub.kill();
    }
  });
});
