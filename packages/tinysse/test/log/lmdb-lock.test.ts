import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from 'tinysse';
import { lmdbLog } from 'tinysse/lmdb';
import { createFakeClock, type FakeClock } from 'tinysse/testing';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { all, dataOf, directories, event } from './lmdb-bench.js';
import { buildChild, Child, run } from './lmdb-process.js';

const { next, remove } = directories();
beforeAll(buildChild);
afterAll(remove);

const open = (options: Parameters<typeof lmdbLog>[0]): Log => {
  const log = lmdbLog(options);
  onTestFinished(() => log.close());
  return log;
};

/** What comes of `answer` while time passes. @returns its value or error, and how long it took on the clock */
async function passing(clock: FakeClock, answer: unknown): Promise<{ result: unknown; tookMs: number }> {
  const started = clock.now();
  let settled: { result: unknown } | undefined;
  Promise.resolve(answer).then(
    (result) => (settled = { result }),
    (error: unknown) => (settled = { result: error }),
  );
  while (!settled) {
    await new Promise(setImmediate);
    clock.advance(10);
  }
  return { ...settled, tookMs: clock.now() - started };
}

test('a second log in the same process waits, then is refused', async () => {
  const path = next();
  const first = open({ path });
  await first.append(event('a', '1'));
  const clock = createFakeClock();
  const second = open({ path, clock, lockTimeoutMs: 2_000 });
  const { result, tookMs } = await passing(clock, second.head());
  expect(result).toMatchObject({ code: 'LOG_LOCKED', outcome: 'rejected', message: expect.stringContaining(path) });
  expect(tookMs).toBeGreaterThanOrEqual(2_000);
  await first.append(event('a', '2'));
  await first.close();
  expect((await passing(clock, second.head())).result).toMatchObject({ offset: 2 });
});

test('of many that open at once, exactly one has the log', async () => {
  const path = next();
  const clock = createFakeClock();
  const logs = Array.from({ length: 6 }, () => open({ path, clock, lockTimeoutMs: 3_000 }));
  const answers = logs.map((log) =>
    passing(
      createFakeClock(),
      Promise.resolve(log.head()).catch((error: unknown) => error),
    ),
  );
  let waiting = true;
  void Promise.all(answers).then(() => (waiting = false));
  while (waiting) {
    await new Promise(setImmediate);
    clock.advance(10);
  }
  const results = (await Promise.all(answers)).map(({ result }) => (result as { code?: string }).code ?? 'open');
  expect(results.sort()).toEqual([...Array(5).fill('LOG_LOCKED'), 'open']);
});

test('another process has the log until it dies, however it dies', async () => {
  const path = next();
  const child = new Child('holder', path);
  await child.said(1);
  const clock = createFakeClock();
  const log = open({ path, clock });
  expect((await passing(clock, log.head())).result).toMatchObject({ code: 'LOG_LOCKED' });
  child.signal('SIGSTOP');
  expect((await passing(clock, log.head())).result).toMatchObject({ code: 'LOG_LOCKED' });
  const waiting = log.head();
  await child.kill();
  expect((await passing(clock, waiting)).result).toMatchObject({ offset: 0 });
  expect(readdirSync(path).filter((name) => name.startsWith('lock-'))).toHaveLength(1);
});

test('a log that closes while it waits waits no longer', async () => {
  const path = next();
  await open({ path }).head();
  const log = open({ path, clock: createFakeClock() });
  const answer = expect(log.head()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  await log.close();
  await answer;
});

test('what looks like a lock but is none does not matter, nor does a long path', async () => {
  const path = join(next(), 'x'.repeat(120));
  const log = open({ path });
  await log.append(event('a', ''));
  await log.close();
  writeFileSync(join(path, `lock-${'0'.repeat(16)}.sock`), '');
  const again = open({ path });
  await again.head();
  const clock = createFakeClock();
  expect((await passing(clock, open({ path, clock }).head())).result).toMatchObject({ code: 'LOG_LOCKED' });
  expect(readdirSync(path).filter((name) => name.startsWith('lock-'))).toHaveLength(1);
});

test('where the lock was taken away by hand, the older log is refused and overwrites nothing', async () => {
  const path = next();
  const older = open({ path });
  await older.append(event('a', '1'));
  for (const name of readdirSync(path)) if (name.startsWith('lock-')) rmSync(join(path, name));
  const newer = open({ path });
  await newer.append(event('a', '2'));
  await expect(older.append(event('a', 'lost'))).rejects.toMatchObject({ code: 'LOG_LOCKED', outcome: 'rejected' });
  await expect(older.append(event('a', 'lost'))).rejects.toMatchObject({ code: 'LOG_LOCKED', outcome: 'rejected' });
  await newer.append(event('a', '3'));
  expect(dataOf((await all(newer, 'a')).entries)).toEqual(['1', '2', '3']);
});

test('a program that only publishes waits for the directory, and is told that another has it', async () => {
  const path = next();
  const holder = open({ path });
  await holder.append(event('a', '1'));
  expect(await run('publisher', path)).toEqual(['LOG_LOCKED']);
  await holder.close();
  expect(await run('publisher', path)).toEqual(['2']);
});

test('a directory that cannot be made is named', async () => {
  const path = join(next(), 'file');
  await open({ path: join(path, '..') }).head();
  writeFileSync(path, '');
  await expect(open({ path }).head()).rejects.toMatchObject({
    code: 'LOG_UNAVAILABLE',
    message: expect.stringContaining(path),
  });
});
