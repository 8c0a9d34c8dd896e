import { type Log, type LogPage, type LogWatcher, memoryLog } from 'tinysse';
import { expect, test } from 'vitest';
import type { Cursor } from '../../src/protocol/cursor.js';
import { channelName } from '../../src/protocol/event.js';
import { createBench } from './bench.js';

/** A log with so many entries in channel a. */
function filled(count: number): { log: Log; epoch: string } {
  const log = memoryLog();
  for (let i = 1; i <= count; i++)
    log.append({ channels: [channelName('a')], event: undefined, data: String(i), size: 30 });
  return { log, epoch: (log.head() as Cursor).epoch };
}

test('a new epoch while a page is on its way: the stream goes on where it was, not at the beginning', async () => {
  const [before, after] = [filled(3), filled(4)];
  let { log } = before;
  let watcher: LogWatcher | undefined;
  const answers: (() => void)[] = [];
  const bench = createBench(() => ({
    ...before.log,
    inMemory: false,
    watch: (joined) => {
      watcher = joined;
      return before.log.watch(joined);
    },
    read: (query) => new Promise((answer) => answers.push(() => answer(log.read(query) as LogPage))),
    // Both share their past up to 3.
    resume: ({ offset }) => ({ epoch: after.epoch, offset: Math.min(offset, 3) }),
  }));
  const client = bench.connect('a', `${before.epoch}-1`);
  bench.settle();
  expect(answers).toHaveLength(1);

  log = after.log;
  watcher?.interrupted({ epoch: after.epoch, offset: 4 });
  while (answers.length > 0) {
    answers.shift()?.();
    await bench.settleLater();
  }
  expect(client.resets).toEqual([
    { id: `${after.epoch}-1`, reason: 'epoch', lastEventId: `${before.epoch}-1`, resumedAt: `${after.epoch}-1` },
  ]);
  expect(client.data).toEqual(['2', '3', '4']);
});

test('a stream of a log that began anew is live again, so its next reset is a first one', async () => {
  const [first, second, third] = [filled(3), filled(0), filled(1)];
  let { log } = first;
  let watcher: LogWatcher | undefined;
  const bench = createBench(() => ({
    ...first.log,
    inMemory: false,
    watch: (joined) => {
      watcher = joined;
      return first.log.watch(joined);
    },
    read: async (query) => log.read(query),
    // The third goes on from the second.
    resume: async ({ epoch, offset }) => ({
      epoch: (await log.head()).epoch,
      offset: epoch === second.epoch ? offset : 0,
    }),
  }));
  const client = bench.connect('a');
  bench.settle();
  log = second.log;
  watcher?.interrupted({ epoch: second.epoch, offset: 0 });
  await bench.settleLater();
  expect(client.resets).toMatchObject([{ reason: 'epoch', resumedAt: `${second.epoch}-0` }]);
  expect((await bench.hub.stats()).behind).toBe(0);

  log = third.log;
  watcher?.interrupted({ epoch: third.epoch, offset: 1 });
  await bench.settleLater();
  expect(client.resets[1]).toMatchObject({ id: `${third.epoch}-0`, resumedAt: `${third.epoch}-0` });
  expect(client.data).toEqual(['1']);
});

test('a reset names where the stream was, not where the client came from', () => {
  const small = createBench((clock) => memoryLog({ clock, maxEventsPerChannel: 3 }), { clientChannelBuffer: 1 });
  const ids = ['1', '2', '3'].map((data) => small.publish('a', data));
  small.settle();
  const client = small.connect('a', ids[0]);
  client.reading = false;
  small.settle();
  for (let i = 4; i < 9; i++) small.publish('a', String(i));
  small.settle();
  // What it was sent before: its position, and 2 perhaps.
  client.read();
  small.settle();
  const reset = client.frames.findIndex(({ event }) => event === 'tinysse:reset');
  const before = client.frames[reset - 1];
  expect(client.resets).toMatchObject([{ reason: 'evicted', id: before?.id, lastEventId: before?.id }]);
  expect(client.data.slice(-3)).toEqual(['6', '7', '8']);
});

test('a page that a new epoch gave, asked for up to the edge of the old one, does not count', async () => {
  const [before, after] = [filled(3), filled(0)];
  let { log } = before;
  let watcher: LogWatcher | undefined;
  const answers: (() => void)[] = [];
  const bench = createBench(() => ({
    ...before.log,
    inMemory: false,
    watch: (joined) => {
      watcher = joined;
      return before.log.watch(joined);
    },
    // The log answers at once, but the answer is long on its way.
    read: (query) => {
      const page = log.read(query) as LogPage;
      return new Promise((answer) => answers.push(() => answer(page)));
    },
  }));
  const client = bench.connect('a', 'earliest');
  log = after.log;
  bench.settle();
  after.log.watch({ committed: (entry) => watcher?.committed(entry), interrupted: () => {} });
  watcher?.interrupted({ epoch: after.epoch, offset: 0 });
  after.log.append({ channels: [channelName('a')], event: undefined, data: 'new', size: 30 });
  bench.settle();
  while (answers.length > 0) {
    answers.shift()?.();
    await bench.settleLater();
  }
  expect(client.data).toEqual(['new']);
});
