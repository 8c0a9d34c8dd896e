import { expect, test } from 'vitest';
import { later, start, stoppedClock } from './parts.js';
import { open } from './stream.js';

const DAY = 86_400_000;

test.each([
  ['a promise', () => new Promise<string[]>(() => {})],
  // biome-ignore lint/suspicious/noThenProperty: promises of other libraries are no instances of Promise
  ['a thenable', () => ({ then() {} }) as unknown as Promise<string[]>],
])('a provider that answers with %s and not in time is an outage', async (_, answer) => {
  const clock = stoppedClock();
  const asked = later();
  const { url, logged } = await start({
    clock,
    channelProvider: {
      resolveChannels: () => {
        asked.resolve();
        return answer();
      },
    },
  });
  const opening = open(url);
  await asked.promise;
  clock.advance(10_000);
  const stream = await (await opening).toEnd();
  expect([stream.status, stream.frames]).toEqual([200, [{ retry: expect.stringMatching(/^\d+$/) }]]);
  expect(logged).toEqual([['the channel provider failed', expect.objectContaining({ code: 'PROVIDER_TIMEOUT' })]]);
});

test('limits.providerTimeoutMs says how long a provider may take, and one that answered leaves no timer', async () => {
  const clock = stoppedClock();
  const asked = later();
  const slow = later<string[]>();
  const { url } = await start({
    clock,
    limits: { providerTimeoutMs: 50 },
    channelProvider: {
      resolveChannels: () => {
        asked.resolve();
        return slow.promise;
      },
    },
  });
  const opening = open(url);
  await asked.promise;
  clock.advance(49);
  slow.resolve(['all']);
  const stream = await opening;
  await stream.until(() => stream.control('position').length > 0);
  expect(stream.status).toBe(200);
  stream.leave();
});

test.each([
  ['milliseconds', (at: number) => at],
  ['a Date', (at: number) => new Date(at)],
])('a stream ends when its expiry comes, given as %s', async (_, form) => {
  const clock = stoppedClock();
  const expiresAt = form(clock.now() + 60_000);
  const { sse, url } = await start({
    clock,
    channelProvider: { resolveChannels: () => ({ channels: ['all'], expiresAt }) },
  });
  const stream = await open(url);
  await sse.publish('before', 'all');
  await stream.got('before');
  clock.advance(59_999);
  expect((await sse.stats()).subscribers).toBe(1);
  clock.advance(1);
  await stream.toEnd();
  expect(stream.error).toBeUndefined();
  expect((await sse.stats()).subscribers).toBe(0);
});

test('an expiry further away than timers reach does not end the stream at once', async () => {
  const { sse, url } = await start({
    channelProvider: { resolveChannels: () => ({ channels: ['all'], expiresAt: Date.now() + 100 * DAY }) },
  });
  const stream = await open(url);
  // A timer that overflowed would have run within a millisecond; these turns of the event loop take longer.
  for (let turn = 0; turn < 20; turn++) {
    await sse.publish(`turn ${turn}`, 'all');
    await stream.got(`turn ${turn}`);
  }
  expect((await sse.stats()).subscribers).toBe(1);
});

test('an expiry that has passed ends the stream after its first frame, so that the provider is asked again', async () => {
  const { url } = await start({ channelProvider: { resolveChannels: () => ({ channels: ['all'], expiresAt: 1 }) } });
  const stream = await (await open(url)).toEnd();
  expect(stream.frames).toMatchObject([{ retry: expect.any(String) }, { event: 'tinysse:position' }]);
});

test.each([
  ['NaN', Number.NaN],
  ['an invalid Date', new Date('never')],
  ['text', '2026-01-01' as unknown as number],
])('an expiry that is %s is a mistake of the provider, not a stream that ends at once', async (_, expiresAt) => {
  const { url, logged } = await start({
    channelProvider: { resolveChannels: () => ({ channels: ['all'], expiresAt }) },
  });
  expect((await open(url, { headers: { accept: '*/*' } })).status).toBe(503);
  expect(logged).toHaveLength(1);
});

test('a quiet stream says its position again before heartbeatMs have passed', async () => {
  const clock = stoppedClock();
  const { sse, url } = await start({ clock, heartbeatMs: 1_000 });
  const stream = await open(url);
  const cursor = await sse.publish('one', 'all');
  await stream.got('one');
  for (let passed = 0; passed < 1_000; passed += 50) clock.advance(50);
  await stream.until(() => stream.control('position').length === 2);
  expect(stream.control('position')[1]).toEqual({ id: cursor, event: 'tinysse:position', data: '1000' });
});

test('a client is told to wait retryMs, give or take half of it by chance', async () => {
  const { url } = await start({ retryMs: 1_000 });
  const streams = await Promise.all(Array.from({ length: 12 }, () => open(url)));
  const waits = await Promise.all(
    streams.map(async (stream) => {
      await stream.until(() => stream.frames.length > 0);
      return Number(stream.frames[0]?.retry);
    }),
  );
  expect(new Set(waits).size).toBeGreaterThan(1);
  for (const wait of waits) {
    expect(wait).toBeGreaterThanOrEqual(500);
    expect(wait).toBeLessThanOrEqual(1_500);
  }
});
