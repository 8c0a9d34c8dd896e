import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Action, action, runSchedule } from './schedule.js';

// The promise (docs/design.md): every connection's stream is a gap-free, in-order, duplicate-free run of the events of
// its channels, starting at its position, or it holds a reset that says where it may not be.
const schedule = (): fc.Arbitrary<Action[]> => fc.array(action, { minLength: 1, maxLength: 200, size: 'max' });
const runs = Number(process.env.TINYSSE_PROPERTY_RUNS ?? 1_000);

describe('whatever is published, stalled, cut, evicted and restarted, every stream keeps the promise', () => {
  test('on a log in memory', async () => {
    await fc.assert(
      fc.asyncProperty(schedule(), async (actions) => {
        await runSchedule(actions, { answersLater: false });
      }),
      { numRuns: runs },
    );
  }, 120_000);

  test('on a log that answers later and is cut off now and then', async () => {
    await fc.assert(
      fc.asyncProperty(schedule(), async (actions) => {
        await runSchedule(actions, { answersLater: true });
      }),
      { numRuns: Math.ceil(runs / 2) },
    );
  }, 120_000);
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
});
