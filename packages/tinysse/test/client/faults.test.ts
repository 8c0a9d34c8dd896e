import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { createSSEServer } from 'tinysse';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { balance, fastClock, type Heard, RETENTION, runSchedule, schedule } from './faulty-schedule.js';
import { runStateSchedule, stateSchedule } from './faulty-state.js';

const runs = Number(process.env.TINYSSE_PROPERTY_RUNS ?? 100);
const seed = Number(process.env.TINYSSE_PROPERTY_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Schedules that run at the same time. */
const AT_ONCE = 16;

describe('whatever happens to its connections, a client hears every event once and in order, or a reset', () => {
  const sse = createSSEServer({
    channelProvider: { resolveChannels: ({ url }) => new URL(url).searchParams.getAll('channel') },
    historyReplayBuffer: RETENTION,
    heartbeatMs: 2_500,
    clock: fastClock,
    logger: () => {},
  });
  let server: Server;
  beforeAll(async () => {
    server = createServer(sse.handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await sse.close({ drainMs: 1 });
    server.close();
    server.closeAllConnections();
  });

  test(`on ${runs} random schedules (TINYSSE_PROPERTY_SEED=${seed})`, async () => {
    const { port } = server.address() as AddressInfo;
    const schedules = fc.sample(schedule, { numRuns: runs, seed }).entries();
    const counts = { events: 0, resets: 0 };
    const work = async (): Promise<void> => {
      for (const [n, one] of schedules) {
        try {
          const { heard, cursors } = await runSchedule(sse, port, `c${n}`, one);
          balance(
            heard,
            cursors,
            one.steps.some(({ kind }) => kind === 'abroad'),
          );
          counts.events += cursors.length;
          counts.resets += heard.filter((item) => 'resumedAt' in item).length;
        } catch (cause) {
          throw new Error(`schedule ${n}: ${(cause as Error).message}\n${JSON.stringify(one)}`, { cause });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (runs > 100) console.log(`${runs} schedules, seed ${seed}:`, counts);
    expect(counts).toEqual({ events: expect.toSatisfy((n) => n > runs), resets: expect.toSatisfy((n) => n > 0) });
  }, 600_000);
});

test(`whatever happens, a page without logic for gaps shows what a server with snapshots had, on ${runs} random schedules (TINYSSE_PROPERTY_SEED=${seed})`, async () => {
  const schedules = fc.sample(stateSchedule, { numRuns: runs, seed }).entries();
  const counts = { begun: 0, cut: 0 };
  const work = async (): Promise<void> => {
    for (const [n, one] of schedules) {
      try {
        const { begun, cut } = await runStateSchedule(one);
        counts.begun += begun;
        counts.cut += cut;
      } catch (cause) {
        throw new Error(`schedule ${n}: ${(cause as Error).message}\n${JSON.stringify(one)}`, { cause });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (runs > 100) console.log(`${runs} schedules, seed ${seed}: snapshots`, counts);
  expect(counts).toEqual({ begun: expect.toSatisfy((n) => n > runs), cut: expect.toSatisfy((n) => n > runs / 10) });
}, 600_000);

describe('the check', () => {
  const at = (offset: number) => `0123456789abcdef-${offset}`;
  const cursors = Array.from({ length: 20 }, (_, n) => at(n + 1));
  const message = (n: number): Heard => ({ id: at(n + 1), data: String(n) });
  const all = cursors.map((_, n) => message(n));
  const reset = (n: number, published = 20): Heard => ({ resumedAt: at(n), reason: 'evicted', published });

  test('takes what keeps the promise', () => {
    balance(all, cursors);
    balance([message(0), reset(4), ...all.slice(4)], cursors);
  });

  test.each<[string, Heard[]]>([
    ['a lost event', all.toSpliced(3, 1)],
    ['a repeated event', all.toSpliced(3, 0, message(3))],
    ['two events in the wrong order', all.toSpliced(3, 2, message(4), message(3))],
    ['an event with the id of another', all.toSpliced(3, 1, { id: at(3), data: '3' })],
    ['a lost end', all.slice(0, -1)],
    ['an event that a reset has excused', [reset(4), ...all.slice(3)]],
    ['a reset over what was still kept', [reset(5), ...all.slice(5)]],
    ['a reset for another reason', [{ resumedAt: at(4), reason: 'epoch', published: 20 }, ...all.slice(4)]],
  ])('finds %s', (_, heard) => {
    expect(() => balance(heard, cursors)).toThrow();
  });
});
