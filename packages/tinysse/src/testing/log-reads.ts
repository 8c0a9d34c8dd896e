import { equal, ok, seeded } from './assert.js';
import { type LogBench, type LogCase, logCase } from './log-bench.js';

const NAMES = ['busy', 'quiet', 'late', 'never'];

/** Where streams begin: at the beginning, at every floor, beside it, between two, and at the head. */
const startsOf = (offsets: readonly number[], floors: readonly number[], head: number): number[] => [
  ...new Set([0, ...floors.flatMap((floor) => [Math.max(0, floor - 1), floor, floor + 1]), ...offsets, head]),
];

/** Sentences about what a read says when channels have lost different things, and while the log changes. */
export const readCases: LogCase[] = [
  logCase(
    'channels whose floors lie far apart are read together from every start, page by page',
    { maxEventsPerChannel: 4 },
    async (bench) => {
      const all: { offset: number; channels: string[] }[] = [];
      const add = async (channels: string): Promise<void> => {
        all.push({ offset: await bench.add(channels), channels: channels.split(' ') });
      };
      for (let i = 0; i < 3; i++) await add('quiet');
      for (let i = 0; i < 20; i++) await add('busy');
      for (let i = 0; i < 6; i++) await add(i % 2 ? 'late busy' : 'late');
      const floors = await exactFloors(bench, NAMES, all);
      equal(new Set(floors).size, 3, `different floors among ${floors}`);
      const { offset: head } = await bench.log.head();
      for (const start of startsOf(
        all.map(({ offset }) => offset),
        floors,
        head,
      ))
        for (const maxEvents of [1, 3, 100]) await readThrough(bench, NAMES, { start, head, maxEvents }, all, floors);
    },
  ),
  logCase(
    'a floor is lifted by what its own channel has lost, not by what others have',
    { maxAgeMs: 1_000, maxEventsPerChannel: 2 },
    async (bench) => {
      const old = await bench.add('old both');
      bench.clock.advance(1_001);
      const young = [
        await bench.add('young'),
        await bench.add('both'),
        await bench.add('both'),
        await bench.add('both'),
      ];
      const floors = [];
      for (const channel of ['old', 'both', 'young', 'never']) floors.push((await bench.read(channel)).floor);
      equal(floors, [old, young[1], 0, 0], 'floors');
    },
  ),
  ...[1, 2, 3].map((seed) =>
    logCase(
      `every floor is the highest offset that its channel has lost, and no entry is below it (seed ${seed})`,
      { maxEventsPerChannel: 5, maxAgeMs: 500, maxBytes: 6_000 },
      (bench) => exactRun(bench, seed),
    ),
  ),
  logCase('a read is one snapshot, whatever is appended meanwhile', { maxEventsPerChannel: 3 }, async (bench) => {
    const sent: number[] = [];
    for (let i = 0; i < 5; i++) sent.push(await bench.add('a'));
    for (let round = 0; round < 20; round++) {
      const acknowledged = sent.at(-1) as number;
      const appending = async (): Promise<void> => {
        for (let i = 0; i < 5; i++) sent.push(await bench.add('a'));
      };
      const [page] = await Promise.all([bench.read('a'), appending()]);
      const { entries, floor } = page;
      const offsets = entries.map(({ offset }) => offset);
      const kept = sent.filter((offset) => offset > floor && offset <= (offsets.at(-1) ?? floor));
      equal(offsets, kept, `entries above the floor ${floor} of the same moment`);
      ok((offsets.at(-1) ?? floor) >= acknowledged, 'what was acknowledged before the read is in it');
    }
  }),
  logCase('names that differ are different channels, however alike they look', {}, async (bench) => {
    const names = [
      'a',
      'A',
      'á',
      'a\u0301',
      '日本',
      '😀',
      '😁',
      '\ufffd',
      '%61',
      'a:b',
      'a*',
      '{a}',
      '__proto__',
      'é'.repeat(127),
    ];
    const offsets: number[] = [];
    for (const name of names) offsets.push(await bench.add(name));
    for (const [i, name] of names.entries()) {
      const { entries } = await bench.read(name);
      equal(
        entries.map(({ offset, channels }) => [offset, channels]),
        [[offsets[i], [name]]],
        name,
      );
    }
  }),
];

interface Sent {
  readonly offset: number;
  readonly channels: readonly string[];
}

/** The floor of each channel, by comparing what it holds with what was sent to it. */
async function exactFloors(bench: LogBench, names: readonly string[], all: readonly Sent[]): Promise<number[]> {
  const floors: number[] = [];
  for (const name of names) {
    const { entries, floor } = await bench.read(name);
    const held = new Set(entries.map(({ offset }) => offset));
    const lost = all.filter(({ offset, channels }) => channels.includes(name) && !held.has(offset));
    equal(floor, lost.at(-1)?.offset ?? 0, `the floor of ${name}`);
    ok(
      entries.every(({ offset }) => offset > floor),
      `${name} holds nothing below its floor ${floor}`,
    );
    floors.push(floor);
  }
  return floors;
}

/** Reads channels from a start to the head in pages, and compares them with what the channels hold. */
async function readThrough(
  bench: LogBench,
  names: readonly string[],
  { start, head, maxEvents }: { start: number; head: number; maxEvents: number },
  all: readonly Sent[],
  floors: readonly number[],
): Promise<void> {
  const where = `from ${start} by ${maxEvents}`;
  const wanted = all.filter(
    ({ offset, channels }) => offset > start && names.some((name, i) => channels.includes(name) && offset > floors[i]!),
  );
  const got: number[] = [];
  for (let after = start; ; ) {
    const page = await bench.read(names.join(' '), after, head, { maxEvents });
    equal(page.floor, Math.max(...floors), `floor ${where}`);
    equal(page.floors ?? floors, floors, `floors ${where}`);
    got.push(...page.entries.map(({ offset }) => offset));
    ok(page.entries.length <= maxEvents, `at most ${maxEvents} entries`);
    if (page.through === head) break;
    equal(page.through, page.entries.at(-1)?.offset, `through ${where}`);
    after = page.through;
  }
  equal(
    got,
    wanted.map(({ offset }) => offset),
    `entries ${where}`,
  );
}

async function exactRun(bench: LogBench, seed: number): Promise<void> {
  const random = seeded(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const names = ['c0', 'c1', 'c2', 'c3', 'c4'];
  const all: Sent[] = [];
  for (let round = 0; round < 40; round++) {
    if (pick(4) === 0) bench.clock.advance(pick(300));
    // Mostly few channels, so that others fall far behind.
    const width = pick(4) === 0 ? names.length : 2;
    for (let n = pick(6); n >= 0; n--) {
      const channels = [...new Set([`c${pick(width)}`, `c${pick(width)}`])];
      all.push({ offset: await bench.add(channels.join(' '), 'x'.repeat(pick(400))), channels });
    }
    const floors = await exactFloors(bench, names, all);
    const { offset: head } = await bench.log.head();
    const start = startsOf([], floors, head)[pick(10)] ?? 0;
    await readThrough(bench, names, { start, head, maxEvents: 1 + pick(5) }, all, floors);
  }
}
