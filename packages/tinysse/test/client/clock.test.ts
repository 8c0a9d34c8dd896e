import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { clientClock } from '../../src/client/clock.js';
import { createSSEClient } from '../../src/client/index.js';
import { position } from './source.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** The machine sleeps: time passes, and the runtime's timers stand still. */
const sleep = (ms: number) => vi.setSystemTime(Date.now() + ms);

test.each([1, 1_999, 2_000, 2_001, 37_500])('a timer of %i ms runs once, then', (ms) => {
  const run = vi.fn();
  clientClock.after(ms, run);
  vi.advanceTimersByTime(ms - 1);
  expect(run).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1);
  expect([run.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
});

test('a timer may be longer than those of the runtime', () => {
  const run = vi.fn();
  clientClock.after(2 ** 40, run);
  vi.advanceTimersByTime(60_000);
  expect([run.mock.calls.length, vi.getTimerCount()]).toEqual([0, 1]);
});

test('a timer can be cancelled, before its first step and later', () => {
  const run = vi.fn();
  clientClock.after(10_000, run)();
  const undo = clientClock.after(10_000, run);
  vi.advanceTimersByTime(9_000);
  undo();
  expect(vi.getTimerCount()).toBe(0);
  expect(run).not.toHaveBeenCalled();
});

test('the time that the machine sleeps counts', () => {
  const run = vi.fn();
  clientClock.after(37_500, run);
  sleep(30_000);
  vi.advanceTimersByTime(7_000);
  expect(run).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2_000);
  expect(run).toHaveBeenCalledTimes(1);
});

test('a time of day that is set back delays nothing', () => {
  const run = vi.fn();
  clientClock.after(10_000, run);
  sleep(-3_600_000);
  vi.advanceTimersByTime(9_999);
  expect(run).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(run).toHaveBeenCalledTimes(1);
});

test('a client whose machine slept longer than the silence it bears connects again within 2 s', async () => {
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  const fetch = async () =>
    new Response(new ReadableStream({ start: (controller) => void streams.push(controller) }), {
      headers: { 'content-type': 'text/event-stream' },
    });
  const client = createSSEClient({ endpoint: 'http://unused.test/', fetch });
  onTestFinished(() => client.close());
  const codes: string[] = [];
  client.onError(({ code }) => codes.push(code));
  client.connect();
  await vi.waitUntil(() => client.state === 'open');
  streams[0]!.enqueue(Buffer.from(position(0, 15_000)));
  await vi.waitUntil(() => client.lastEventId);
  await vi.waitUntil(() => vi.getTimerCount() === 1);
  sleep(30_000);
  vi.advanceTimersByTime(2_000);
  expect(client.state).toBe('open');
  sleep(3_600_000);
  vi.advanceTimersByTime(2_000);
  expect([client.state, codes]).toEqual(['waiting', ['IDLE_TIMEOUT']]);
});
