import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSSEServer, type Log } from 'tinysse';
import { type LmdbLogOptions, lmdbLog } from 'tinysse/lmdb';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { open, type Stream } from '../server/stream.js';
import { directories } from './lmdb-bench.js';

const { next, remove } = directories();
afterAll(remove);

/** A server of streams over a log on disk, and what stops both. */
async function start(options: LmdbLogOptions) {
  const log: Log = lmdbLog(options);
  const sse = createSSEServer({ log, channelProvider: { resolveChannels: () => ['a', 'b'] } });
  const http = createServer(sse.handler);
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const stop = async (): Promise<void> => {
    http.closeAllConnections();
    http.close();
    await sse.close({ drainMs: 1 });
    await log.close();
  };
  onTestFinished(stop);
  return { sse, stop, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/` };
}

const idOf = (stream: Stream): string => stream.events.at(-1)?.id as string;

test('delivers in the order of publishing what is published at once', async () => {
  const { sse, url } = await start({ path: next() });
  const streams = await Promise.all([open(url), open(url)]);
  const cursors = await Promise.all(Array.from({ length: 500 }, (_, i) => sse.publish(String(i), i % 3 ? 'a' : 'b')));
  for (const stream of streams) {
    await stream.got('499');
    expect(stream.data).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
    expect(stream.events.map(({ id }) => id)).toEqual(cursors);
  }
});

test('a client goes on after a restart where it was, without a reset', async () => {
  const path = next();
  const before = await start({ path });
  const live = await open(before.url);
  await before.sse.publish('1', 'a');
  await live.got('1');
  live.leave();
  await before.sse.publish('2', 'b');
  await before.stop();

  const after = await start({ path });
  const resumed = await open(after.url, { lastEventId: idOf(live) });
  await resumed.got('2');
  await after.sse.publish('3', 'a');
  await resumed.got('3');
  expect(resumed.data).toEqual(['2', '3']);
  expect(resumed.control('reset')).toEqual([]);
});

test('a client is told by a reset what retention took while it was away', async () => {
  const path = next();
  const before = await start({ path, maxEventsPerChannel: 2 });
  const live = await open(before.url);
  const first = await before.sse.publish('1', 'a');
  await live.got('1');
  live.leave();
  const lost = [await before.sse.publish('2', 'a'), await before.sse.publish('3', 'a')];
  await before.sse.publish('4', 'a');
  await before.stop();

  const after = await start({ path, maxEventsPerChannel: 2 });
  const resumed = await open(after.url, { lastEventId: first });
  await resumed.got('4');
  expect(resumed.data).toEqual(['3', '4']);
  expect(resumed.control('reset').map(({ data }) => JSON.parse(data as string))).toEqual([
    { reason: 'evicted', lastEventId: first, resumedAt: lost[0] },
  ]);
});

test('a client of the epoch before a restored backup is told so', async () => {
  const path = next();
  const before = await start({ path });
  const cursor = await before.sse.publish('1', 'a');
  await before.stop();
  const after = await start({ path, newEpoch: true });
  const resumed = await open(after.url, { lastEventId: cursor });
  await resumed.got('1');
  expect(resumed.control('reset').map(({ data }) => JSON.parse(data as string))).toMatchObject([
    { reason: 'epoch', lastEventId: cursor },
  ]);
});
