import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cursor, Log } from 'tinysse';
import { type LmdbLogOptions, lmdbLog } from 'tinysse/lmdb';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { all, dataOf, directories, event } from './lmdb-bench.js';

const { next, remove } = directories();
afterAll(remove);
const opened: Log[] = [];
afterEach(() => Promise.all(opened.splice(0).map((log) => log.close())));

function open(options: LmdbLogOptions): Log {
  const log = lmdbLog(options);
  opened.push(log);
  return log;
}

/** Where a log's watcher was told to read again. */
async function interruptions(log: Log): Promise<Cursor[]> {
  const heard: Cursor[] = [];
  await log.watch({ committed() {}, interrupted: (head) => void heard.push(head) });
  return heard;
}

const unlock = (path: string): void => {
  for (const name of readdirSync(path)) if (name.startsWith('lock-')) rmSync(join(path, name));
};

test('a log whose directory is deleted begins a new one, in a new epoch, and says so', async () => {
  const path = next();
  const log = open({ path });
  const before = await log.append(event('a', '1'));
  const heard = await interruptions(log);
  rmSync(path, { recursive: true });
  await expect(log.append(event('a', 'lost'))).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'rejected' });
  const after = await log.append(event('a', '2'));
  expect(after.epoch).not.toBe(before.epoch);
  expect(after.offset).toBe(1);
  expect(heard).toEqual([{ epoch: after.epoch, offset: 0 }]);
  expect(dataOf((await all(log, 'a')).entries)).toEqual(['2']);
  await log.close();
  const again = open({ path });
  expect(await again.head()).toEqual(after);
});

test('a deleted directory is noticed without a publish, by whoever asks how the log is', async () => {
  const path = next();
  const log = open({ path });
  const { epoch } = await log.head();
  rmSync(path, { recursive: true });
  await expect((async () => log.stats())()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  await expect.poll(async () => (await log.head()).epoch).not.toBe(epoch);
  expect(await log.stats()).toMatchObject({ events: 0 });
});

test('a log that another has taken over is away for as long as that is open, and then goes on with all events', async () => {
  const path = next();
  const older = open({ path });
  await older.append(event('a', '1'));
  const heard = await interruptions(older);
  unlock(path);
  const newer = open({ path });
  await newer.append(event('a', '2'));
  await expect((async () => older.stats())()).rejects.toMatchObject({ code: 'LOG_LOCKED' });
  await expect((async () => older.append(event('a', 'refused')))()).rejects.toMatchObject({ code: 'LOG_LOCKED' });
  await expect((async () => all(older, 'a'))()).rejects.toMatchObject({ code: 'LOG_LOCKED' });
  const head = await newer.append(event('a', '3'));
  await newer.close();
  await vi.waitFor(async () => older.stats(), { timeout: 10_000, interval: 50 });
  expect(heard).toEqual([head]);
  expect(await older.append(event('a', '4'))).toEqual({ epoch: head.epoch, offset: head.offset + 1 });
  expect(dataOf((await all(older, 'a')).entries)).toEqual(['1', '2', '3', '4']);
});

test('a log that is away can be closed', async () => {
  const path = next();
  const older = open({ path });
  await older.head();
  unlock(path);
  const newer = open({ path });
  await newer.append(event('a', ''));
  await expect(Promise.resolve(older.append(event('a', '')))).rejects.toMatchObject({ code: 'LOG_LOCKED' });
  await older.close();
  expect(() => older.append(event('a', ''))).toThrow(expect.objectContaining({ code: 'LOG_CLOSED' }));
  await newer.append(event('a', ''));
});
