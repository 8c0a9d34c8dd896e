import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { SSEError } from 'tinysse';
import { type LmdbLogOptions, lmdbLog } from 'tinysse/lmdb';
import { createFakeClock, logSuite } from 'tinysse/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { LmdbStore } from '../../src/log/lmdb-store.js';
import { seeded } from '../../src/testing/assert.js';
import { YEAR_MS } from '../../src/testing/log-bench.js';
import { all, counted, dataOf, directories, event } from './lmdb-bench.js';

const { next, remove } = directories();
afterAll(remove);

describe('lmdbLog keeps the contract of a log', () => {
  for (const { name, run } of logSuite)
    test(name, () => run((options) => lmdbLog({ path: next(), ...(options as Partial<LmdbLogOptions>) })));
});

describe('a log on disk', () => {
  test('is the same after a restart: epoch, head, floors, entries, keys', async () => {
    const options = { path: next(), maxEventsPerChannel: 3 };
    const before = lmdbLog(options);
    for (let i = 1; i <= 5; i++) await before.append(event('a', `a${i}`, `key${i}`));
    await before.append(event('b', 'b'));
    const [head, page, stats] = [await before.head(), await all(before, 'a b'), await before.stats()];
    await before.close();

    const after = lmdbLog(options);
    expect(await after.head()).toEqual(head);
    expect(await all(after, 'a b')).toEqual(page);
    expect(await after.stats()).toEqual(stats);
    expect(await after.append(event('a', 'a2', 'key2'))).toEqual({ epoch: head.epoch, offset: 2 });
    await expect(after.append(event('a', 'other', 'key2'))).rejects.toMatchObject({ code: 'KEY_REUSED' });
    expect(await after.append(event('a', 'a6'))).toEqual({ epoch: head.epoch, offset: 7 });
    expect(dataOf((await all(after, 'a')).entries)).toEqual(['a4', 'a5', 'a6']);
    await after.close();
  });

  test('forgets after a restart what grew old meanwhile, before and after it is removed', async () => {
    const clock = createFakeClock();
    const options = { path: next(), maxAgeMs: 1_000, clock };
    const before = lmdbLog(options);
    for (let i = 0; i < 2_500; i++) void before.append(event(i % 2 ? 'a' : 'b', ''));
    await before.append(event('c', ''));
    await before.close();
    clock.advance(1_001);
    const after = lmdbLog(options);
    expect(await all(after, 'a')).toMatchObject({ floor: 2_500, entries: [] });
    expect(await all(after, 'b')).toMatchObject({ floor: 2_499, entries: [] });
    while ((await after.stats()).events > 0) await new Promise(setImmediate);
    expect(await all(after, 'a')).toMatchObject({ floor: 2_500, entries: [] });
    expect(await all(after, 'b')).toMatchObject({ floor: 2_499, entries: [] });
    await after.close();
  });

  test('time goes on from where it was also when the clock was put right while the log was closed', async () => {
    const clock = createFakeClock();
    const options = { path: next(), maxAgeMs: 1_000, clock };
    clock.step(YEAR_MS);
    const wrong = lmdbLog(options);
    await wrong.append(event('a', 'in a year'));
    await wrong.close();
    clock.step(-YEAR_MS);
    const right = lmdbLog(options);
    expect(dataOf((await all(right, 'a')).entries)).toEqual(['in a year']);
    await right.append(event('b', 'noticed'));
    await right.close();
    clock.advance(600);
    const again = lmdbLog(options);
    await again.append(event('a', 'now'));
    clock.advance(401);
    expect(dataOf((await all(again, 'a')).entries)).toEqual(['now']);
    await again.close();
    clock.advance(600);
    const last = lmdbLog(options);
    expect(dataOf((await all(last, 'a')).entries)).toEqual([]);
    await last.close();
  });

  test('makes room for lower limits in slices', async () => {
    const path = next();
    const before = lmdbLog({ path, maxEventsPerChannel: 10_000 });
    for (let i = 0; i < 5_000; i++) void before.append(event('a', 'x'.repeat(100)));
    await before.append(event('b', ''));
    await before.close();
    const after = lmdbLog({ path, maxBytes: 100_000, maxEventsPerChannel: 10 });
    while (((await after.stats()).bytes as number) > 100_000) await new Promise(setImmediate);
    expect((await all(after, 'a')).floor).toBeGreaterThan(4_000);
    await after.append(event('a', ''));
    expect((await all(after, 'a')).entries.length).toBe(10);
    await after.close();
  });

  test('begins a new epoch when asked, and keeps what it has', async () => {
    const path = next();
    const before = lmdbLog({ path });
    const old = await before.append(event('a', '1', 'key'));
    await before.close();
    const after = lmdbLog({ path, newEpoch: true });
    const { epoch, offset } = await after.head();
    expect(offset).toBe(old.offset);
    expect(epoch).not.toBe(old.epoch);
    expect(dataOf((await all(after, 'a')).entries)).toEqual(['1']);
    expect(await after.append(event('a', '1', 'key'))).toEqual({ epoch, offset: old.offset });
    expect(await after.append(event('a', '2'))).toEqual({ epoch, offset: old.offset + 1 });
    await after.close();
    const again = lmdbLog({ path });
    expect((await again.head()).epoch).toBe(epoch);
    await again.close();
  });

  test('refuses what it cannot read', async () => {
    const [newer, other, garbage] = [next(), next(), next()];
    const log = lmdbLog({ path: newer });
    await log.append(event('a', ''));
    await log.close();
    const stored = open({ path: newer, noSubdir: false, overlappingSync: false });
    const meta = stored.openDB<object, string>('meta', { encoding: 'json' });
    await meta.put('log', { ...meta.get('log'), format: 99 });
    await stored.close();
    const foreign = open({ path: other, noSubdir: false, overlappingSync: false });
    await foreign.openDB('users', {}).put('x', 1);
    await foreign.close();
    mkdirSync(garbage, { recursive: true });
    writeFileSync(join(garbage, 'data.mdb'), 'x'.repeat(20_000));
    for (const path of [newer, other, garbage]) {
      const refused = lmdbLog({ path });
      const error = await Promise.resolve(refused.head()).catch((reason: SSEError) => reason);
      expect(error).toMatchObject({ code: 'LOG_FORMAT', message: expect.stringContaining(path) });
      await refused.close();
    }
  });

  test.each([undefined, ''])('refuses %j as its path', (path) => {
    expect(() => lmdbLog({ path: path as string })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  test('commits what waits before it closes, and then refuses', async () => {
    const path = next();
    const log = lmdbLog({ path });
    const waiting = Array.from({ length: 3_000 }, (_, i) => log.append(event('a b', String(i))));
    await log.head();
    const closing = log.close();
    expect(() => log.append(event('a', ''))).toThrow(expect.objectContaining({ code: 'LOG_CLOSED' }));
    await closing;
    expect(new Set((await Promise.all(waiting)).map(({ offset }) => offset)).size).toBe(3_000);
    const again = lmdbLog({ path });
    expect((await again.head()).offset).toBe(3_000);
    await again.close();
  });

  test.each([1, 2, 3, 4])(
    'whatever comes at once and whenever it restarts, its books are true (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const pick = (n: number): number => Math.floor(random() * n);
      const clock = createFakeClock();
      const limits = { maxEventsPerChannel: 6, maxAgeMs: 500, maxBytes: 8_000, maxChannels: 4, keyWindowMs: 300 };
      const options = { path: next(), clock, ...limits };
      const known: { offset: number; channels: string[] }[] = [];
      const floors = new Map<string, number>();
      let log = lmdbLog(options);
      for (let round = 0; round < 80; round++) {
        if (pick(5) === 0) clock.advance(pick(300));
        if (pick(8) === 0) {
          await log.close();
          log = lmdbLog(options);
        }
        const batch = Array.from({ length: pick(30) }, () => {
          const channels = [...new Set(Array.from({ length: pick(4) ? 2 : 12 }, () => `c${pick(6)}`))];
          return {
            channels,
            sent: log.append(
              event(channels.join(' '), 'x'.repeat(pick(300)), pick(3) ? undefined : `k${known.length}.${pick(1e9)}`),
            ),
          };
        });
        for (const { channels, sent } of batch) known.push({ channels, offset: (await sent).offset });
        const stats = await log.stats();
        expect(stats.bytes).toBeLessThanOrEqual(limits.maxBytes);
        expect(stats.channels).toBeLessThanOrEqual(limits.maxChannels);
        for (let c = 0; c < 6; c++) {
          const { floor, entries } = await all(log, `c${c}`);
          expect(floor).toBeGreaterThanOrEqual(floors.get(`c${c}`) ?? 0);
          floors.set(`c${c}`, floor);
          expect(entries.length).toBeLessThanOrEqual(limits.maxEventsPerChannel);
          const wanted = known.filter(({ offset, channels }) => offset > floor && channels.includes(`c${c}`));
          expect(entries.map(({ offset }) => offset)).toEqual(wanted.map(({ offset }) => offset));
        }
        if (clock.now() > 0 && pick(3) === 0) {
          const { events, bytes } = await log.stats();
          const real = await counted(log, 'c0 c1 c2 c3 c4 c5');
          // What has expired may not have been removed yet; nothing else may differ.
          expect(real.events).toBeLessThanOrEqual(events);
          expect(real.bytes).toBeLessThanOrEqual(bytes);
        }
      }
      await log.append(event('c0', ''));
      await log.append(event('c0', ''));
      expect(await log.stats()).toMatchObject(await counted(log, 'c0 c1 c2 c3 c4 c5'));
      await log.close();
    },
  );
  test('looks at an event of many channels once, whichever way they evict it', async () => {
    const looks = vi.spyOn(LmdbStore.prototype, 'head');
    onTestFinished(() => looks.mockRestore());
    const names = (group: string) => Array.from({ length: 50 }, (_, i) => `${group}${i}`);
    const log = lmdbLog({ path: next(), maxEventsPerChannel: 1, maxChannels: 100 });
    await log.append(event(names('a').join(' '), 'forgotten'));
    await log.append(event(names('b').join(' '), 'beyond the count'));
    looks.mockClear();
    await log.append(event(names('c').join(' '), 'forgets all of a'));
    expect(looks.mock.calls.length).toBeLessThan(10);
    looks.mockClear();
    for (const name of names('b')) await log.append(event(name, name));
    expect(looks.mock.calls.length).toBeLessThan(10);
    expect(await log.stats()).toMatchObject({ events: 51, channels: 100 });
    expect((await all(log, names('a').join(' '))).entries).toEqual([]);
    expect(dataOf((await all(log, names('b').join(' '))).entries)).toEqual(names('b'));
    expect(await log.stats()).toMatchObject(await counted(log, [...names('b'), ...names('c')].join(' ')));
    await log.close();
  });
});
