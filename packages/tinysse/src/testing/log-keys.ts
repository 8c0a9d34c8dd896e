import { SSEError } from '../errors.js';
import type { LogEvent } from '../log/log.js';
import { equal, fails, ok, seeded } from './assert.js';
import { eventOf, type LogBench, type LogCase, logCase, YEAR_MS } from './log-bench.js';

const RANDOM_LIMITS = { maxKeys: 5, keyWindowMs: 1_000 };

/** Sentences about idempotency keys, and about what an event that is refused does to those after it. */
export const keyCases: LogCase[] = [
  logCase('an equal event with the same key is stored once and answered with the first cursor', {}, async (bench) => {
    const offset = await bench.add('a b', 'x', { key: 'k', event: 'e' });
    await bench.add('a', 'between');
    equal(await bench.add('a b', 'x', { key: 'k', event: 'e' }), offset, 'offset');
    equal((await bench.log.stats()).events, 2, 'events');
  }),
  logCase('other content with a known key is refused and nothing is stored', {}, async (bench) => {
    await bench.add('a', 'x', { key: 'k' });
    for (const other of [
      eventOf('a', 'y', { key: 'k' }),
      eventOf('b', 'x', { key: 'k' }),
      eventOf('a', 'x', { key: 'k', event: 'e' }),
    ]) {
      const error = await fails(() => bench.log.append(other), 'KEY_REUSED');
      equal(error.outcome, 'rejected', 'outcome');
    }
    equal((await bench.log.stats()).events, 1, 'events');
  }),
  logCase('two appends at once with the same key are one event', {}, async (bench) => {
    const [one, two] = await Promise.all([bench.add('a', 'x', { key: 'k' }), bench.add('a', 'x', { key: 'k' })]);
    equal([one, (await bench.offsets('a')).length], [two, 1], 'one event');
  }),
  logCase('a key has up to 257 bytes, and what stands before a NUL in it makes it another one', {}, async (bench) => {
    const [own, long] = ['k', `${'p'.repeat(128)}\0${'k'.repeat(128)}`];
    const offsets: number[] = [];
    for (const key of [own, `a\0${own}`, `b\0${own}`, long]) offsets.push(await bench.add('a', key, { key }));
    equal(new Set(offsets).size, 4, 'four events');
    equal(await bench.add('a', long, { key: long }), offsets[3], 'the long one');
    const error = await fails(() => bench.log.append(eventOf('a', 'x', { key: `a\0${own}` })), 'KEY_REUSED');
    ok(!error.message.includes('\0') && error.message.includes(`"${own}"`), `message: ${error.message}`);
  }),
  logCase('a key is forgotten after its window', { keyWindowMs: 1_000 }, async (bench) => {
    const first = await bench.add('a', 'x', { key: 'k' });
    bench.clock.advance(999);
    equal(await bench.add('a', 'x', { key: 'k' }), first, 'within the window');
    bench.clock.advance(1);
    ok((await bench.add('a', 'y', { key: 'k' })) > first, 'after it');
  }),
  logCase(
    'a clock that was ahead for a moment does not lengthen the life of keys',
    { keyWindowMs: 1_000 },
    async (bench) => {
      bench.clock.step(YEAR_MS);
      await bench.add('a', '0', { key: '0' });
      bench.clock.step(-YEAR_MS);
      const first = await bench.add('a', 'x', { key: 'k' });
      bench.clock.advance(999);
      equal(await bench.add('a', 'x', { key: 'k' }), first, 'within the window');
      bench.clock.advance(1);
      ok((await bench.add('a', 'y', { key: 'k' })) > first, 'after it');
      ok((await bench.add('a', 'y', { key: '0' })) > first, 'the key of that moment too');
    },
  ),
  logCase('beyond maxKeys a new key is refused, and no key is forgotten for it', { maxKeys: 2 }, async (bench) => {
    const offsets = [await bench.add('a', '1', { key: '1' }), await bench.add('a', '2', { key: '2' })];
    const error = await fails(() => bench.add('a', '3', { key: '3' }), 'LOG_KEYS_FULL');
    equal(error.outcome, 'rejected', 'outcome');
    ok((await bench.add('a')) > 0, 'an event without a key is stored');
    equal([await bench.add('a', '1', { key: '1' }), await bench.add('a', '2', { key: '2' })], offsets, 'both known');
  }),
  logCase('keys that have expired make room for as many', { maxKeys: 300, keyWindowMs: 1_000 }, async (bench) => {
    for (const round of ['first', 'second']) {
      const added = Array.from({ length: 300 }, (_, i) => bench.add('a', '', { key: `${round} ${i}` }));
      equal(new Set(await Promise.all(added)).size, 300, round);
      await fails(() => bench.add('a', '', { key: 'one more' }), 'LOG_KEYS_FULL');
      bench.clock.advance(1_000);
    }
  }),
  logCase('after a refusal that may pass, nothing later of its series is stored', { maxKeys: 1 }, async (bench) => {
    await bench.add('a', '', { key: 'full' });
    const events = [eventOf('a', '1'), eventOf('a', '2', { key: 'new' }), eventOf('a', '3'), eventOf('a', '4')];
    const [mine, other] = await Promise.all([
      appendSeries(bench, events),
      appendSeries(bench, [eventOf('b', '1'), eventOf('b', '2')]),
    ]);
    equal(mine.slice(0, 2), ['stored', 'LOG_KEYS_FULL'], 'before it, and itself');
    ok(!mine.slice(2).includes('stored'), `after it: ${mine}`);
    equal((await bench.offsets('a')).length, 2, 'stored in its channel');
    equal(other, ['stored', 'stored'], 'another series');
    equal(await appendSeries(bench, events.slice(2)), ['stored', 'stored'], 'a later series');
  }),
  logCase('a refusal for what an event is stops no series', {}, async (bench) => {
    await bench.add('a', '1', { key: 'k' });
    const events = [eventOf('a', 'other', { key: 'k' }), eventOf('a', '2')];
    const outcomes: string[] = [];
    const series = {};
    for (const event of events) outcomes.push(await outcomeOf(async () => bench.log.append({ ...event, series })));
    equal(outcomes, ['KEY_REUSED', 'stored'], 'outcomes');
  }),
  ...[1, 2, 3].map((seed) =>
    logCase(`whatever is appended, a key means one event for its window (seed ${seed})`, RANDOM_LIMITS, (bench) =>
      randomRun(bench, seed),
    ),
  ),
];

/** Appends at once, as a hub does: a log that refuses at once has refused the rest as well. */
async function appendSeries({ log }: LogBench, events: readonly LogEvent[]): Promise<string[]> {
  const series = {};
  const outcomes: Promise<string>[] = [];
  for (const event of events) {
    try {
      const answer = log.append({ ...event, series });
      outcomes.push(outcomeOf(async () => answer));
    } catch (error) {
      outcomes.push(outcomeOf(() => Promise.reject(error)));
      break;
    }
  }
  return Promise.all(outcomes);
}

const outcomeOf = (append: () => Promise<unknown>): Promise<string> =>
  append().then(
    () => 'stored',
    (error: unknown) => (error instanceof SSEError ? error.code : String(error)),
  );

/** Compares every answer with what the contract says of the keys within their window. */
async function randomRun(bench: LogBench, seed: number): Promise<void> {
  const random = seeded(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const known = new Map<string, { offset: number; data: string; until: number }>();
  for (let step = 0; step < 300; step++) {
    if (pick(3) === 0) bench.clock.advance(pick(400));
    const now = bench.clock.now();
    for (const [key, { until }] of known) if (until <= now) known.delete(key);
    const [key, data] = [`k${pick(10)}`, String(pick(2))];
    const before = known.get(key);
    if (before?.data === data) equal(await bench.add('a', data, { key }), before.offset, 'first offset');
    else if (before) await fails(() => bench.add('a', data, { key }), 'KEY_REUSED');
    else if (known.size === RANDOM_LIMITS.maxKeys) await fails(() => bench.add('a', data, { key }), 'LOG_KEYS_FULL');
    else known.set(key, { offset: await bench.add('a', data, { key }), data, until: now + RANDOM_LIMITS.keyWindowMs });
  }
}
