import { type Log, type LogEntry, type LogPage, type LogWatcher, memoryLog } from 'tinysse';
import { type LogTestOptions, logSuite } from 'tinysse/testing';
import { expect, test } from 'vitest';

/** Names of the cases that a store fails. */
async function failures(open: (options: LogTestOptions) => Log): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of logSuite) await run(open).catch(() => failed.push(name));
  return failed;
}

/** A log that answers later, and whose reports pass through `report` on their way to the watchers. */
function later(
  options: LogTestOptions,
  report = (entries: LogEntry[], tell: (entry: LogEntry) => void): void => entries.forEach(tell),
): Log {
  const log = memoryLog(options);
  const watchers = new Set<LogWatcher>();
  let waiting: LogEntry[] = [];
  log.watch({ committed: (entry) => void waiting.push(entry), interrupted() {} });
  return {
    ...log,
    inMemory: false,
    async watch(watcher) {
      watchers.add(watcher);
      return log.head();
    },
    unwatch: (watcher) => void watchers.delete(watcher),
    append(event) {
      // Refuses at once, as the log inside does: so the rest of a series is not tried.
      const cursor = log.append(event);
      return Promise.resolve().then(() => {
        const entries = waiting;
        waiting = [];
        report(entries, (entry) => {
          for (const watcher of watchers) watcher.committed(entry);
        });
        return cursor;
      });
    },
    read: async (query) => log.read(query),
    head: async () => log.head(),
  };
}

/** A log whose pages are changed before anybody sees them. */
function changed(options: LogTestOptions, change: (page: LogPage, log: Log) => Partial<LogPage>): Log {
  const log = memoryLog(options);
  return {
    ...log,
    inMemory: false,
    read: async (query) => {
      const page = await log.read(query);
      return { ...page, ...change(page, log) };
    },
  };
}

/** A log with other numbers. */
function renumbered(options: LogTestOptions, by: number): Log {
  const log = memoryLog(options);
  const up = <T extends { offset: number }>(at: T): T => ({ ...at, offset: at.offset * by });
  const down = (offset: number): number => Math.floor(offset / by);
  const watchers = new Map<LogWatcher, LogWatcher>();
  return {
    ...log,
    inMemory: false,
    async watch(watcher) {
      const inner: LogWatcher = { committed: (entry) => watcher.committed(up(entry)), interrupted() {} };
      watchers.set(watcher, inner);
      return up(await log.watch(inner));
    },
    unwatch(watcher) {
      const inner = watchers.get(watcher);
      if (inner) log.unwatch(inner);
    },
    append: (event) => Promise.resolve(log.append(event)).then(up),
    head: async () => up(await log.head()),
    channels: async (names) =>
      (await log.channels!(names)).map(({ offset, floor }) => ({ offset: offset * by, floor: floor * by })),
    async read(query) {
      const upTo = down(query.upTo);
      const page = await log.read({ ...query, after: down(query.after), upTo });
      return {
        epoch: page.epoch,
        floor: page.floor * by,
        floors: page.floors.map((floor) => floor * by),
        entries: page.entries.map(up),
        through: page.through === upTo ? query.upTo : page.through * by,
      };
    },
  };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test.each<[string, (options: LogTestOptions) => Log]>([
  ['answers later', (options) => later(options)],
  ['leaves holes between its offsets', (options) => renumbered(options, 7)],
  [
    'has its pages’ members in another order',
    (options) =>
      changed(options, ({ epoch, floor, floors, entries, through }) => ({ entries, through, floors, floor, epoch })),
  ],
  ['says more than it must', (options) => changed(options, (page) => ({ ...page, extra: 1 }))],
])('a log that %s passes', async (_, open) => {
  expect(await failures(open)).toEqual([]);
});

const broken: [string, (options: LogTestOptions) => Log][] = [
  [
    'reports what came at once backwards',
    (options) => later(options, (entries, tell) => entries.reverse().forEach(tell)),
  ],
  [
    'leaves out a report now and then',
    (options) => {
      let reports = 0;
      return later(options, (entries, tell) => {
        for (const entry of entries) if (++reports % 50) tell(entry);
      });
    },
  ],
  [
    'reports only the last of what came at once',
    (options) => later(options, (entries, tell) => entries.slice(-1).forEach(tell)),
  ],
  [
    'reports after it has answered',
    (options) => later(options, (entries, tell) => void nextTurn().then(() => entries.forEach(tell))),
  ],
  [
    'takes the floor of a page later than its entries',
    (options) => {
      const log = memoryLog(options);
      return {
        ...log,
        inMemory: false,
        async read(query) {
          const page = await log.read(query);
          await nextTurn();
          const { floor, floors } = await log.read(query);
          return { ...page, floor, floors };
        },
      };
    },
  ],
  [
    'takes the entries of a page later than its floor',
    (options) => {
      const log = memoryLog(options);
      return {
        ...log,
        inMemory: false,
        async read(query) {
          const { floor, floors } = await log.read(query);
          await nextTurn();
          return { ...(await log.read(query)), floor, floors };
        },
      };
    },
  ],
  [
    'lifts the floors of all channels by what age takes from one',
    (options) => {
      const entries: LogEntry[] = [];
      const log = changed(options, (page) => {
        const horizon = options.clock.now() - (options.maxAgeMs ?? Number.POSITIVE_INFINITY);
        const lifted = entries.filter(({ time }) => time < horizon).at(-1)?.offset ?? 0;
        return { floor: Math.max(page.floor, lifted), floors: page.floors.map((floor) => Math.max(floor, lifted)) };
      });
      log.watch({ committed: (entry) => void entries.push(entry), interrupted() {} });
      return log;
    },
  ],
  ['has floors one too low', (options) => changed(options, ({ floor }) => ({ floor: Math.max(0, floor - 1) }))],
  ['has floors one too high', (options) => changed(options, ({ floor }) => ({ floor: floor && floor + 1 }))],
  [
    'has the highest floor for every channel',
    (options) => changed(options, ({ floor, floors }) => ({ floors: floors.map(() => floor) })),
  ],
  [
    'has the floor of the first channel only',
    (options) => changed(options, ({ floors }) => ({ floor: floors[0] ?? 0 })),
  ],
  [
    'says that it is complete less far than it is',
    (options) => changed(options, ({ entries, through }) => ({ through: entries.at(-1)?.offset ?? through })),
  ],
  [
    'says that it is complete further than it is',
    (options) =>
      changed(options, ({ through }, log) => ({
        through: Math.max(through, (log.head() as { offset: number }).offset),
      })),
  ],
  [
    'forgets what a channel holds beyond its first page',
    (options) => changed(options, ({ entries }) => ({ entries: entries.slice(0, 3) })),
  ],
  [
    'keeps no time of its own when the clock steps back',
    (options) => {
      let last = 0;
      const clock = { ...options.clock, now: () => (last = Math.max(last, options.clock.now())) };
      return memoryLog({ ...options, clock });
    },
  ],
];

test.each(broken)('a log that %s fails', async (_, open) => {
  expect(await failures(open)).not.toEqual([]);
});
