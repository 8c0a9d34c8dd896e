import { type Database, open, type RootDatabase } from 'lmdb';
import type { Log } from 'tinysse';
import { lmdbLog } from 'tinysse/lmdb';
import { createFakeClock } from 'tinysse/testing';
import { afterAll, expect, test } from 'vitest';
import { indexKey, nameKey, offsetKey } from '../../src/log/lmdb-codec.js';
import { all, dataOf, directories, event } from './lmdb-bench.js';

const { next, remove } = directories();
afterAll(remove);

interface Tables {
  entries: Database<Buffer, number>;
  index: Database<Buffer, number[]>;
  channels: Database<Buffer, string>;
  keys: Database<Buffer, string>;
}

/** Changes the rows of a log that is closed. */
async function tamper(path: string, change: (tables: Tables) => void): Promise<void> {
  const root: RootDatabase = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 7 });
  const table = (name: string, keyEncoder: object) => root.openDB({ name, ...{ encoding: 'binary', keyEncoder } });
  change({
    entries: table('entries', offsetKey) as never,
    index: table('index', indexKey) as never,
    channels: table('channels', nameKey) as never,
    keys: table('keys', nameKey) as never,
  });
  await root.flushed;
  await root.close();
}

const garbage = Buffer.from('{"garbage\n');

/** Five events in channel a, each with a key, and one in b: closed, tampered with, opened again. */
async function tampered(change: (tables: Tables) => void): Promise<{ log: Log; clock: { advance(ms: number): void } }> {
  const clock = createFakeClock();
  const options = { path: next(), clock, maxAgeMs: 1_000, maxEventsPerChannel: 5 };
  const log = lmdbLog(options);
  for (let i = 1; i <= 5; i++) await log.append(event('a', `a${i}`, `key${i}`));
  await log.append(event('b', 'b'));
  await log.close();
  await tamper(options.path, change);
  return { log: lmdbLog(options), clock };
}

/** Whatever was lost, a log takes events, evicts by count and by age, and comes to hold exactly what is young. */
async function goesOn({ log, clock }: Awaited<ReturnType<typeof tampered>>): Promise<void> {
  for (let i = 6; i <= 8; i++) await log.append(event('a b', `a${i}`));
  expect(dataOf((await all(log, 'a')).entries)).toEqual(expect.arrayContaining(['a6', 'a7', 'a8']));
  clock.advance(1_001);
  const { offset } = await log.append(event('a', 'young'));
  const page = await all(log, 'a b');
  expect([dataOf(page.entries), page.floor]).toEqual([['young'], offset - 1]);
  await log.close();
}

test.each(['missing', 'garbage'])('an entry that is %s is told as a gap, and all others are read', async (how) => {
  const opened = await tampered(
    ({ entries }) => void (how === 'missing' ? entries.remove(3) : entries.put(3, garbage)),
  );
  const page = await all(opened.log, 'a');
  expect([dataOf(page.entries), page.floor]).toEqual([['a1', 'a2', 'a4', 'a5'], 3]);
  await goesOn(opened);
});

test('the first entry may be garbage', async () => {
  const opened = await tampered(({ entries }) => void entries.put(1, garbage));
  expect((await all(opened.log, 'a')).floor).toBe(1);
  await goesOn(opened);
});

test.each([garbage, Buffer.from('{"id":1}')])(
  'a channel whose row is %s is forgotten, and clients are told',
  async (row) => {
    const opened = await tampered(({ channels }) => void channels.put('a', row));
    expect(await all(opened.log, 'a')).toMatchObject({ floor: 6, entries: [] });
    expect(dataOf((await all(opened.log, 'b')).entries)).toEqual(['b']);
    await goesOn(opened);
  },
);

test('a channel whose row is another one’s does not stop the log', async () => {
  const opened = await tampered(({ channels }) => void channels.put('a', channels.get('b') as Buffer));
  await goesOn(opened);
});

test('entries of a channel that nobody knows go when their time has come', async () => {
  const opened = await tampered(({ channels }) => void channels.remove('a'));
  await goesOn(opened);
});

test('a key that is garbage is forgotten', async () => {
  const opened = await tampered(({ keys }) => void keys.put('key1', garbage));
  expect((await opened.log.append(event('a', 'a1', 'key1'))).offset).toBe(7);
  expect((await opened.log.append(event('a', 'a2', 'key2'))).offset).toBe(2);
  await goesOn(opened);
});
