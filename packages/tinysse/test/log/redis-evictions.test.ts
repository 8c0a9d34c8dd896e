import type { LogEntry, SSEError } from 'tinysse';
import type { RedisLog } from 'tinysse/redis';
import { createFakeClock } from 'tinysse/testing';
import { expect, test } from 'vitest';
import { Random } from '../../../../faults/parts/random.mjs';
import type { ChannelName } from '../../src/protocol/event.js';
import { describeWith } from '../programs.js';
import { eventOf } from './log-parts.js';
import { openLog, openServer, RedisServer } from './redis-parts.js';

const CHANNELS = ['a', 'b', 'c', 'd'] as ChannelName[];

/** Appends to one to three channels each. @returns what is in the log now */
async function append(log: RedisLog, random: Random, count: number): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let i = 0; i < count; i++) {
    const channels = CHANNELS.filter(() => random.chance(0.4));
    const event = eventOf((channels.length === 0 ? ['a'] : channels).join(' '), String(random.next()));
    const { offset } = await log.append(event);
    entries.push({ ...event, offset, time: 0 });
  }
  return entries;
}

/** What a page after `after` hides: entries of its channels that are neither in it nor at or below the floor. */
async function hidden(log: RedisLog, epoch: string, entries: readonly LogEntry[], channel: ChannelName, after: number) {
  const page = await log.read({ channels: [channel], after, upTo: 1_000, maxEvents: 1_000, maxBytes: 2 ** 20 });
  // Another epoch says of everything before that it may be gone.
  if (page.epoch !== epoch) return [];
  for (const { offset, data, channels } of page.entries) {
    expect(channels).toContain(channel);
    expect(entries.find((entry) => entry.offset === offset)?.data).toBe(data);
  }
  const got = new Set(page.entries.map(({ offset }) => offset));
  const due = entries.filter(({ offset, channels }) => offset > after && channels.includes(channel));
  return due.filter(({ offset }) => offset > page.floor && !got.has(offset));
}

describeWith(['redis-server'], 'what Redis evicts by itself', () => {
  test('is a gap, whichever keys it takes, and however much is published after', { timeout: 60_000 }, async () => {
    const server = await RedisServer.start();
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed);
      const prefix = `seed-${seed}`;
      const log = openLog(server.port, { prefix, maxEventsPerChannel: random.pick([5, 100]) });
      let entries = await append(log, random, 20);
      let { epoch } = await log.head();
      const check = async (taken: readonly string[]): Promise<void> => {
        for (const name of CHANNELS)
          for (const after of [0, 5, 18, 21])
            expect(await hidden(log, epoch, entries, name, after), `seed ${seed}: ${taken}`).toEqual([]);
      };
      for (let round = 0; round < 3; round++) {
        const keys = ((await server.run('KEYS', `{${prefix}}:*`)) as string[]).toSorted();
        // Each kind alone in the first seeds, then several at once.
        const taken = seed < keys.length ? [keys[seed]!] : keys.filter(() => random.chance(0.3));
        if (taken.length > 0) await server.run('DEL', ...taken);
        if (random.chance(0.5)) await check(taken);
        const appended = await append(log, random, random.pick([0, 1, 10]));
        const head = await log.head();
        entries = head.epoch === epoch ? [...entries, ...appended] : appended;
        epoch = head.epoch;
        await check(taken);
      }
      await log.close();
    }
  });

  test('stays a gap when what is left of the channel expires later', async () => {
    const server = await RedisServer.start();
    const clock = createFakeClock();
    const prefix = 'expires';
    const log = openLog(server.port, { prefix, clock, maxAgeMs: 10_000 });
    await log.append(eventOf('a', '1'));
    clock.advance(5_000);
    await log.append(eventOf('a', '2'));
    await log.append(eventOf('a', '3'));
    await log.append(eventOf('b', '4'));
    await server.run('DEL', `{${prefix}}:channels`);
    const floor = async (): Promise<number> =>
      (await log.read({ channels: ['a' as ChannelName], after: 1, upTo: 4, maxEvents: 9, maxBytes: 2 ** 20 })).floor;
    expect(await floor()).toBe(4);
    clock.advance(5_001);
    expect(await floor()).toBe(4);
  });

  test('is prevented: when the policy changes while a server runs, it publishes no more until that is mended', async () => {
    const server = await RedisServer.start();
    const log = openLog(server.port);
    const sse = openServer(log);
    await sse.publish('0', 'a');
    const outcome = (): Promise<string> =>
      sse.publish('1', 'b').then(
        () => 'stored',
        ({ message }: SSEError) => message,
      );
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await expect.poll(outcome, { timeout: 5_000 }).toContain('allkeys-lru');
    expect((await sse.stats()).log).toBeUndefined();
    // What is there can still be read.
    const query = { channels: CHANNELS, after: 0, upTo: 1, maxEvents: 9, maxBytes: 2 ** 20 };
    expect((await log.read(query)).entries.map(({ data }) => data)).toEqual(['0']);
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await expect.poll(outcome, { timeout: 5_000 }).toBe('stored');
  });

  test('is prevented also while events keep coming', async () => {
    const server = await RedisServer.start();
    const [one, two] = [openServer(openLog(server.port)), openServer(openLog(server.port))];
    await one.publish('0', 'a');
    await two.publish('0', 'a');
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl');
    const both = async (): Promise<string[]> =>
      Promise.all(
        [one, two].map((sse) =>
          sse.publish('1', 'a').then(
            () => '',
            ({ code }: SSEError) => code,
          ),
        ),
      );
    await expect.poll(both, { timeout: 5_000, interval: 1 }).toEqual(['LOG_UNAVAILABLE', 'LOG_UNAVAILABLE']);
  });
});
