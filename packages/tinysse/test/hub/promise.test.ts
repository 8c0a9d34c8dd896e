import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Action, action, runSchedule } from './schedule.js';

// The promise (docs/design.md): every connection's stream is a gap-free, in-order, duplicate-free run of the events of
// its channels, starting at its position, or it holds a reset that says where it may not be.
const schedule = (): fc.Arbitrary<Action[]> => fc.array(action, { minLength: 1, maxLength: 200, size: 'max' });
const runs = Number(process.env.TINYSSE_PROPERTY_RUNS ?? 1_000);
const { TINYSSE_PROPERTY_SEED } = process.env;
const seed = TINYSSE_PROPERTY_SEED === undefined ? {} : { seed: Number(TINYSSE_PROPERTY_SEED) };
const timeoutMs = Math.max(120_000, runs * 120);

describe('whatever is published, stalled, cut, evicted and restarted, every stream keeps the promise', () => {
  test(
    'on a log in memory',
    async () => {
      await fc.assert(
        fc.asyncProperty(schedule(), async (actions) => {
          await runSchedule(actions, { answersLater: false });
        }),
        { numRuns: runs, ...seed },
      );
    },
    timeoutMs,
  );

  test(
    'on a log that answers later and is cut off now and then',
    async () => {
      await fc.assert(
        fc.asyncProperty(schedule(), async (actions) => {
          await runSchedule(actions, { answersLater: true });
        }),
        { numRuns: Math.ceil(runs / 2), ...seed },
      );
    },
    timeoutMs,
  );
});

describe('the check of the promise', () => {
  const publish = (data: string): Action => ({ kind: 'publish', channels: ['a'], data });
  const actions: Action[] = [
    { kind: 'connect', client: 0 },
    publish('1'),
    { kind: 'turn' },
    publish('2'),
    publish('3'),
  ];

  test.each([
    ['loses an event', (text: string) => text.replace(/id: \S+\ndata: 2 2\n\n/, '')],
    ['repeats an event', (text: string) => text.replace(/(id: \S+\ndata: 2 2\n\n)/, '$1$1')],
    ['swaps two events', (text: string) => text.replace(/(id: \S+\ndata: 2 2\n\n)(id: \S+\ndata: 3 3\n\n)/, '$2$1')],
    ['changes an event', (text: string) => text.replace('data: 2 2', 'data: 2 5')],
    ['loses the last event', (text: string) => text.replace(/id: \S+\ndata: 3 3\n\n/, '')],
  ])('catches a stream that %s', async (_, tamper) => {
    await expect(runSchedule(actions, { answersLater: false, tamper })).rejects.toThrow();
    await runSchedule(actions, { answersLater: false });
  });

  test.each([
    ['has a snapshot that misses an event', (text: string) => text.replace(/data: a 2/, 'data: a 1')],
    [
      'has an id before its snapshot has ended',
      (text: string) => text.replace(/(event: tinysse:snapshot\n)/, 'id: 17-1\n$1'),
    ],
    ['is sent only half of a snapshot', (text: string) => text.replace(/event: row\ndata: b \d\n\n/, '')],
    ['begins a snapshot that it never ends', (text: string) => text.replace(/data: b 1\n\n[^]*$/, 'data: b 1\n\n')],
  ])('catches a stream that %s', async (_, tamper) => {
    const schedule: Action[] = [
      { kind: 'publish', channels: ['a', 'b'], data: '' },
      { kind: 'publish', channels: ['a'], data: '' },
      { kind: 'turn' },
      { kind: 'come', client: 2, from: 'whole' },
      { kind: 'turn' },
    ];
    await expect(runSchedule(schedule, { answersLater: false, tamper })).rejects.toThrow();
    await runSchedule(schedule, { answersLater: false });
  });
});
