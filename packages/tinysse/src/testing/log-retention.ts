import { channelName } from '../protocol/event.js';
import { equal, ok, seeded } from './assert.js';
import { type LogBench, type LogCase, logCase, YEAR_MS } from './log-bench.js';

const RANDOM_LIMITS = { maxEventsPerChannel: 6, maxAgeMs: 500, maxBytes: 8_000, maxChannels: 4 };

/** Sentences about what a log forgets, and that it knows what it has forgotten. */
export const retentionCases: LogCase[] = [
  logCase('a channel is known by its newest offset and its floor', { maxEventsPerChannel: 2 }, async (bench) => {
    if (!bench.log.channels) return;
    const offsets = [await bench.add('a'), await bench.add('a b'), await bench.add('a')];
    const names = ['b', 'never', 'a'].map(channelName);
    equal(
      await bench.log.channels(names),
      [
        { offset: offsets[1], floor: 0 },
        { offset: 0, floor: 0 },
        { offset: offsets[2], floor: offsets[0] },
      ],
      'channels',
    );
    equal(await bench.log.channels([]), [], 'none');
  }),
  logCase(
    'a channel keeps its newest events; its floor is the highest offset evicted',
    { maxEventsPerChannel: 3 },
    async (bench) => {
      const offsets: number[] = [];
      for (let i = 0; i < 5; i++) offsets.push(await bench.add('a'));
      const page = await bench.read('a');
      equal(
        page.entries.map((entry) => entry.offset),
        offsets.slice(2),
        'kept',
      );
      equal(page.floor, offsets[1], 'floor');
    },
  ),
  logCase('a busy channel takes nothing from a quiet one', { maxEventsPerChannel: 3 }, async (bench) => {
    const quiet = await bench.add('quiet');
    for (let i = 0; i < 10; i++) await bench.add('busy');
    const page = await bench.read('quiet');
    equal([page.floor, page.entries[0]?.offset], [0, quiet], 'quiet');
  }),
  logCase('an entry that one channel has evicted stays in the others', { maxEventsPerChannel: 2 }, async (bench) => {
    const shared = await bench.add('busy quiet');
    const later = [await bench.add('busy'), await bench.add('busy')];
    equal(await bench.offsets('busy'), later, 'busy');
    equal(await bench.offsets('quiet'), [shared], 'quiet');
    const both = await bench.read('busy quiet');
    equal([both.floor, both.entries.length], [shared, 3], 'both: the highest floor, and all that survives');
    equal(both.floors ?? [shared, 0], [shared, 0], 'each channel has its own floor, in the order asked for');
  }),
  logCase('events go when they are older than maxAgeMs, and the floor says so', { maxAgeMs: 1_000 }, async (bench) => {
    const old = await bench.add('a b');
    bench.clock.advance(600);
    const young = await bench.add('a');
    bench.clock.advance(401);
    const page = await bench.read('a');
    equal([page.floor, page.entries.map((entry) => entry.offset)], [old, [young]], 'a');
    equal([(await bench.read('b')).floor, (await bench.offsets('b')).length], [old, 0], 'b');
  }),
  logCase(
    'a clock that was ahead for a moment does not lengthen the life of events',
    { maxAgeMs: 1_000 },
    async (bench) => {
      bench.clock.step(YEAR_MS);
      const then = await bench.add('a');
      bench.clock.step(-YEAR_MS);
      // A read is enough to notice it.
      equal(await bench.offsets('a'), [then], 'as young as it is');
      bench.clock.advance(600);
      const young = await bench.add('a');
      bench.clock.advance(401);
      const page = await bench.read('a');
      equal([page.floor, page.entries.map((entry) => entry.offset)], [then, [young]], 'after a read');
      bench.clock.advance(600);
      equal([(await bench.read('a')).floor, await bench.offsets('a')], [young, []], 'after an append');
    },
  ),
  logCase(
    'a clock that was behind for a moment does not shorten the life of events',
    { maxAgeMs: 1_000 },
    async (bench) => {
      const first = await bench.add('a');
      bench.clock.step(-YEAR_MS);
      const behind = await bench.add('a');
      bench.clock.advance(100);
      bench.clock.step(YEAR_MS);
      const last = await bench.add('a');
      equal(await bench.offsets('a'), [first, behind, last], 'all are young');
      bench.clock.advance(901);
      equal(await bench.offsets('a'), [last], 'the age of the others');
    },
  ),
  logCase('beyond maxBytes the oldest events go, whatever their channel', { maxBytes: 10_000 }, async (bench) => {
    const old = await bench.add('old', 'x'.repeat(2_000));
    for (let i = 0; i < 20; i++) {
      await bench.add('new', 'x'.repeat(2_000));
      ok((await bench.log.stats()).bytes <= 10_000, 'within its bytes');
    }
    equal([(await bench.read('old')).floor, (await bench.offsets('old')).length], [old, 0], 'old');
    ok((await bench.offsets('new')).length >= 2, 'new');
  }),
  logCase(
    'beyond maxChannels the one longest silent is forgotten, and unknown channels get its last offset as floor',
    { maxChannels: 2 },
    async (bench) => {
      const first = await bench.add('first');
      const second = await bench.add('second');
      await bench.add('first');
      equal((await bench.read('third')).floor, 0, 'before');
      await bench.add('third');
      equal((await bench.log.stats()).channels, 2, 'channels');
      equal([(await bench.read('second')).floor, (await bench.offsets('second')).length], [second, 0], 'second');
      equal([(await bench.read('never')).floor, (await bench.read('first')).floor], [second, 0], 'never, first');
      equal((await bench.offsets('first'))[0], first, 'first is kept whole');
    },
  ),
  logCase(
    'a forgotten channel that comes back begins at the floor it was left with',
    { maxChannels: 1 },
    async (bench) => {
      const old = await bench.add('a');
      await bench.add('b');
      const back = await bench.add('a');
      const page = await bench.read('a');
      ok(page.floor >= old && page.floor < back, `floor ${page.floor}`);
      equal(
        page.entries.map((entry) => entry.offset),
        [back],
        'entries',
      );
    },
  ),
  ...[1, 2, 3].map((seed) =>
    logCase(`whatever is appended, a read above the floor misses nothing (seed ${seed})`, RANDOM_LIMITS, (bench) =>
      randomRun(bench, seed),
    ),
  ),
];

/** Appends by chance and compares every read with all that was ever appended. */
async function randomRun(bench: LogBench, seed: number): Promise<void> {
  const random = seeded(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const all: { offset: number; channels: string[] }[] = [];
  for (let step = 0; step < 400; step++) {
    if (pick(10) === 0) bench.clock.advance(pick(200));
    const channels = [...new Set([`c${pick(6)}`, `c${pick(6)}`])];
    all.push({ offset: await bench.add(channels.join(' '), 'x'.repeat(pick(300))), channels });
    const asked = [...new Set([`c${pick(6)}`, `c${pick(6)}`])];
    const after = all[pick(all.length)]?.offset ?? 0;
    const { entries, floor } = await bench.read(asked.join(' '), after);
    const wanted = all.filter(
      (event) => event.offset > after && event.channels.some((channel) => asked.includes(channel)),
    );
    const got = new Set(entries.map((entry) => entry.offset));
    for (const { offset } of wanted)
      if (offset > floor) ok(got.has(offset), `offset ${offset} above the floor ${floor} is missing`);
    const known = new Set(wanted.map(({ offset }) => offset));
    for (const offset of got) ok(known.has(offset), `offset ${offset} was not asked for`);
  }
}
