import { expect, test } from 'vitest';
import { describeWith } from '../programs.js';
import { eventOf } from './log-parts.js';
import { monitor, openLog, RedisServer } from './redis-parts.js';

describeWith(['redis-server'], 'a page of a redisLog', () => {
  test('costs what it holds, however many full channels it is read from', async () => {
    const { port } = await RedisServer.start();
    const log = openLog(port);
    const names = Array.from({ length: 128 }, (_, i) => `c${i}`);
    const appends: unknown[] = [];
    for (let i = 0; i < 100; i++) for (const name of names) appends.push(log.append(eventOf(name, `${name} ${i}`)));
    await Promise.all(appends);
    const commands = await monitor(port);
    const { channels } = eventOf(names.join(' '), '');
    const query = { channels, upTo: Number.MAX_SAFE_INTEGER, maxEvents: 1_000, maxBytes: 8_192 };
    const read: string[] = [];
    let pages = 0;
    for (let after = 0; after < 12_800; pages++) {
      const page = await log.read({ ...query, after });
      read.push(...page.entries.map(({ data }) => data));
      after = page.entries.at(-1)!.offset;
    }
    expect(read).toEqual(Array.from({ length: 12_800 }, (_, i) => `c${i % 128} ${Math.floor(i / 128)}`));
    await expect.poll(() => commands.some((line) => line.includes('12800'))).toBe(true);
    const asked = commands.flatMap((line) => {
      const count = /"LIMIT" "0" "(\d+)"/.exec(line)?.[1];
      return count ? [Number(count)] : [];
    });
    // The few offsets of each channel that a merge begins with, and those that it took.
    const sum = asked.reduce((a, b) => a + b, 0);
    expect(sum).toBeLessThan(pages * 128 * 8 + 2 * 12_800);
  });

  test('does not touch channels that have nothing new', async () => {
    const { port } = await RedisServer.start();
    const log = openLog(port);
    for (const name of ['a', 'b', 'c']) await log.append(eventOf(name, name));
    const commands = await monitor(port);
    const { channels } = eventOf('a b c', '');
    await log.read({ channels, after: 2, upTo: 9, maxEvents: 9, maxBytes: 2 ** 20 });
    await expect.poll(() => commands.some((line) => line.includes(':c:c"'))).toBe(true);
    expect(commands.filter((line) => /:c:[ab]"/.test(line))).toEqual([]);
  });
});
