import { createSSEServer, httpStatus, type Limits, memoryLog, SSEError, type SSEServerOptions } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { code, later, start, stoppedClock, unbound } from './parts.js';
import { open, openUnread } from './stream.js';

const plainly = { headers: { accept: '*/*' } };
const channels = (count: number) => Array.from({ length: count }, (_, n) => `channel ${n}`);

describe('a server that has all the clients it may have', () => {
  test('sends an event stream away with a time to come back, and takes it when there is room', async () => {
    const { sse, url } = await start({ limits: { clients: 2 } });
    const [first] = [await open(url), await open(url)];
    const third = await (await open(url)).toEnd();
    expect([third.status, third.frames]).toEqual([200, [{ retry: expect.stringMatching(/^\d+$/) }]]);
    first.leave();
    while ((await sse.stats()).subscribers > 1) await new Promise(setImmediate);
    const fourth = await open(url);
    await sse.publish('welcome', 'all');
    await fourth.got('welcome');
  });

  test('answers all others 503 BUSY with Retry-After', async () => {
    const { url } = await start({ limits: { clients: 1 }, refusalBody: 'json' });
    await open(url);
    const response = await fetch(url);
    expect([response.status, await response.json()]).toEqual([
      503,
      { error: { code: 'BUSY', message: expect.any(String) } },
    ]);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('does not exceed the limit when many are being decided at once', async () => {
    const answer = later<string[]>();
    let asked = 0;
    const { sse, url } = await start({
      limits: { clients: 3 },
      channelProvider: {
        resolveChannels() {
          if (++asked === 10) answer.resolve(['all']);
          return answer.promise;
        },
      },
    });
    const streams = await Promise.all(Array.from({ length: 10 }, () => open(url)));
    await sse.publish('one', 'all');
    const taken = streams.filter((stream) => !stream.ended);
    expect((await sse.stats()).subscribers).toBe(3);
    await Promise.all(taken.map((stream) => stream.until(() => stream.ended || stream.data.includes('one'))));
    expect(streams.filter((stream) => stream.data.includes('one'))).toHaveLength(3);
  });

  test('asks no provider and answers HEAD the same way', async () => {
    let asked = 0;
    const { url } = await start({ limits: { clients: 1 }, channelProvider: { resolveChannels: () => [`${asked++}`] } });
    await open(url);
    await (await open(url)).toEnd();
    expect((await open(url, { ...plainly, method: 'HEAD' })).status).toBe(503);
    expect(asked).toBe(1);
  });
});

test.each([
  ['no channels', [], 'NO_CHANNEL'],
  ['an empty channel', [''], 'INVALID_CHANNEL'],
  ['a channel with a line end', ['a\nb'], 'INVALID_CHANNEL'],
  ['a channel that is no string', [7 as unknown as string], 'INVALID_CHANNEL'],
  ['129 channels', channels(129), 'TOO_MANY_CHANNELS'],
] satisfies [string, string[], string][])('a connection to %s is refused', async (_, asked, name) => {
  const { sse, url } = await start({ channelProvider: { resolveChannels: () => asked }, refusalBody: 'json' });
  const response = await fetch(url, { headers: { accept: 'text/event-stream' } });
  expect([response.status, await response.json()]).toMatchObject([400, { error: { code: name } }]);
  expect((await sse.stats()).subscribers).toBe(0);
});

test('a connection may have 128 channels, and repeats do not count', async () => {
  const { sse, url } = await start({
    channelProvider: { resolveChannels: () => [...channels(128), ...channels(128)] },
  });
  const stream = await open(url);
  await sse.publish('x', 'channel 127');
  await stream.got('x');
  expect((await sse.stats()).channels).toBe(128);
});

test('disconnect ends the streams of a channel, and no other', async () => {
  const { sse, url } = await start({
    channelProvider: { resolveChannels: ({ url }) => new URL(url).searchParams.getAll('c') },
  });
  const [both, one, other] = [await open(`${url}/?c=a&c=b`), await open(`${url}/?c=a`), await open(`${url}/?c=b`)];
  expect(await sse.disconnect({ channel: 'a' })).toBe(2);
  await Promise.all([both.toEnd(), one.toEnd()]);
  expect([both.error, one.error]).toEqual([undefined, undefined]);
  await sse.publish('still here', 'b');
  await other.got('still here');
  expect(await sse.disconnect({ channel: 'a' })).toBe(0);
  await expect(sse.disconnect({ channel: '' })).rejects.toMatchObject(code('INVALID_CHANNEL'));
});

test('stats measure the server', async () => {
  const { sse, url } = await start({ channelProvider: { resolveChannels: () => ['a', 'b'] } });
  const streams = [await open(url), await open(url), await open(url, { lastEventId: 'elsewhere' })];
  await sse.publish('1', 'a');
  await sse.publish('2', 'a', 'b', 'c');
  for (const stream of streams) await stream.got('2');
  const stats = await sse.stats();
  expect(stats).toEqual({
    epoch: expect.stringMatching(/^[0-9a-f]{16}$/),
    offset: 2,
    subscribers: 3,
    behind: 0,
    channels: 2,
    published: 2,
    pending: 0,
    delivered: 6,
    deliveredBytes: expect.any(Number),
    resets: { evicted: 0, epoch: 0, unknown: 1 },
    resumes: { complete: 0, reset: 1 },
    snapshots: { complete: 0, failed: 0, running: 0, waiting: 0 },
    log: { events: 2, bytes: expect.any(Number), channels: 3, evicted: { count: 0, age: 0, bytes: 0, channels: 0 } },
    draining: false,
  });
  expect(await sse.cursor()).toBe(`${stats.epoch}-2`);
});

test('a client that takes nothing for stallMs is disconnected', async () => {
  const clock = stoppedClock();
  const { sse, url } = await start({ clock, stallMs: 30_000, heartbeatMs: 10_000 });
  const response = await openUnread(url);
  const reading = await open(url);
  const big = 'x'.repeat(200_000);
  for (let n = 0; n < 100; n++) await sse.publish(`${n} ${big}`, 'all');
  // Length alone: a search through 20 MB for every piece would take seconds.
  await reading.until(() => reading.text.length > 100 * big.length);
  while ((await sse.stats()).behind !== 1) await new Promise(setImmediate);
  for (let passed = 0; passed < 45_000; passed += 500) clock.advance(500);
  await reading.until(() => reading.control('position').length > 1);
  expect((await sse.stats()).subscribers).toBe(1);
  clock.advance(5_000);
  await new Promise((resolve) => response.once('error', resolve).resume());
});

test("under slowClient: 'disconnect' a client that stays behind for stallMs is disconnected, though it reads", async () => {
  const clock = stoppedClock();
  const { sse, url } = await start({ clock, stallMs: 30_000, slowClient: 'disconnect' });
  const response = await openUnread(url);
  const reading = await open(url);
  const publish = async () => {
    const big = 'x'.repeat(200_000);
    for (let n = 0; n < 60; n++) await sse.publish(big, 'all');
  };
  await publish();
  while ((await sse.stats()).behind !== 1) await new Promise(setImmediate);
  // It takes some, so it has not stalled; but it is not done either.
  for (let passed = 0; passed < 40_000 && (await sse.stats()).subscribers === 2; passed += 2_000) {
    response.read(100_000);
    await new Promise(setImmediate);
    clock.advance(2_000);
  }
  expect(await sse.stats()).toMatchObject({ subscribers: 1, behind: 0 });
  await sse.publish('still here', 'all');
  await reading.until(() => reading.text.endsWith('data: still here\n\n'));
});

describe('options', () => {
  test.each([
    [{ channelProviders: {} }, 'channelProviders'],
    [{ channelProvider: {} }, 'channelProvider'],
    [{ slowClient: 'drop' }, 'slowClient'],
    [{ limits: { client: 1 } }, 'limits.client'],
    [{ limits: { clients: 0 } }, 'limits.clients'],
    [{ heartbeatMs: -1 }, 'heartbeatMs'],
    [{ heartbeatMs: Number.POSITIVE_INFINITY }, 'heartbeatMs'],
    [{ retryMs: Number.POSITIVE_INFINITY }, 'retryMs'],
    [{ retryMs: 1.5 }, 'retryMs'],
    [{ stallMs: '60' }, 'stallMs'],
    [{ clientChannelBuffer: Number.NaN }, 'clientChannelBuffer'],
    [{ log: memoryLog(), historyReplayBuffer: 5 }, 'historyReplayBuffer'],
  ])('%j is refused, by name', (options, name) => {
    expect(() => createSSEServer(options as SSEServerOptions)).toThrow(
      expect.objectContaining(code('INVALID_OPTION', { message: expect.stringContaining(name) })),
    );
  });

  test('that are undefined are as if they were not there', () => {
    const limits = { clients: undefined } as unknown as Partial<Limits>;
    expect(() =>
      createSSEServer({ channelProvider: undefined, log: undefined, retryMs: undefined, limits }),
    ).not.toThrow();
  });
});

test('httpStatus says which status fits an error', () => {
  const codes = ['INVALID_DATA', 'EVENT_TOO_LARGE', 'KEY_REUSED', 'LOG_BUSY', 'LOG_FULL', 'UNAUTHORIZED'] as const;
  expect(codes.map((name) => httpStatus(new SSEError(name, '')))).toEqual([400, 413, 409, 503, 507, 401]);
  expect(httpStatus(new Error('any other'))).toBe(500);
});

test('a log that cannot be opened is an outage for clients, and tried again for the next', async () => {
  const log = memoryLog();
  let works = false;
  const { sse, url, logged } = await start({
    log: {
      ...log,
      watch(watcher) {
        if (!works) throw new Error('secret of the database');
        return log.watch(watcher);
      },
    },
  });
  const refused = await (await open(url, plainly)).toEnd();
  expect([refused.status, refused.text.includes('secret'), logged.length]).toEqual([503, false, 1]);
  expect((await (await open(url)).toEnd()).frames).toEqual([{ retry: expect.any(String) }]);
  works = true;
  const stream = await open(url);
  await sse.publish('x', 'all');
  await stream.got('x');
});

test('publishes that the log has not answered are limited in number and bytes', async () => {
  const log = memoryLog();
  const stuck = later();
  const { sse } = unbound({
    limits: { pendingPublishes: 2, pendingBytes: 1_000 },
    log: { ...log, inMemory: false, append: (event) => stuck.promise.then(() => log.append(event)) },
  });
  const pending = [sse.publish('1', 'a'), sse.publish('2', 'a')];
  await expect(sse.publish('3', 'a')).rejects.toMatchObject(code('LOG_BUSY', { outcome: 'rejected' }));
  stuck.resolve();
  await Promise.all(pending);
  const one = sse.publish('x'.repeat(900), 'a');
  await expect(sse.publish('x'.repeat(100), 'a')).rejects.toMatchObject(code('LOG_BUSY'));
  await one;
});

test('a publish that the log does not answer in time fails with an unknown outcome', async () => {
  const clock = stoppedClock();
  const { sse } = unbound({ clock, log: { ...memoryLog(), append: () => new Promise(() => {}) } });
  const publish = sse.publish('x', 'a');
  clock.advance(5_000);
  await expect(publish).rejects.toMatchObject(code('LOG_TIMEOUT', { outcome: 'unknown' }));
});
