import type { LogEntry } from '../log/log.js';
import { encodedLength } from '../protocol/encode.js';
import { eventName } from '../protocol/event.js';
import { equal, fails, ok } from './assert.js';
import { eventOf, type LogCase, logCase } from './log-bench.js';
import { keyCases } from './log-keys.js';
import { readCases } from './log-reads.js';
import { retentionCases } from './log-retention.js';

const orderCases: LogCase[] = [
  logCase('an empty log is at offset 0 of an epoch of 16 hexadecimal digits', {}, async ({ log }) => {
    const { epoch, offset } = await log.head();
    ok(/^[0-9a-f]{16}$/.test(epoch), `epoch ${epoch}`);
    equal(offset, 0, 'offset');
  }),
  logCase('offsets increase, in one epoch, and the head is the last', {}, async (bench) => {
    const first = await bench.log.append(eventOf('a', '1'));
    const second = await bench.log.append(eventOf('b', '2'));
    ok(first.offset >= 1 && second.offset > first.offset, `${first.offset}, ${second.offset}`);
    equal(second.epoch, first.epoch, 'epoch');
    equal(await bench.log.head(), second, 'head');
  }),
  logCase('a read gives what was appended, whatever the text', {}, async (bench) => {
    for (const data of ['', ' ', 'two\nlines\r', 'Grüße 日本 😀', '\0']) {
      const offset = await bench.add('a', data, { event: 'update' });
      const { entries } = await bench.read('a', offset - 1);
      const { channels, event, size } = entries[0] as LogEntry;
      equal([entries.length, entries[0]?.offset, entries[0]?.data], [1, offset, data], 'entry');
      equal([channels, event, size], [['a'], 'update', encodedLength(eventName('update'), data)], 'fields');
    }
  }),
  logCase('a read holds the entries of its channels above `after` and up to `upTo`, in order', {}, async (bench) => {
    const offsets: number[] = [];
    for (const channel of ['a', 'b', 'c', 'a', 'b', 'c']) offsets.push(await bench.add(channel));
    const page = await bench.read('c a', offsets[0], offsets[4]);
    equal(
      page.entries.map((entry) => entry.offset),
      [offsets[2], offsets[3]],
      'entries',
    );
    equal([page.through, page.floor], [offsets[4], 0], 'through, floor');
  }),
  logCase('an event for several channels is one entry and is read once', {}, async (bench) => {
    const offset = await bench.add('a b c');
    equal(await bench.offsets('c b'), [offset], 'two of its channels');
    equal((await bench.log.stats()).events, 1, 'events');
  }),
  logCase('a read stops at maxEvents and says how far it is complete', {}, async (bench) => {
    const offsets = [await bench.add('a'), await bench.add('b'), await bench.add('a'), await bench.add('a')];
    const page = await bench.read('a', 0, offsets[3], { maxEvents: 2 });
    equal([page.entries.length, page.through], [2, offsets[2]], 'first page');
    const rest = await bench.read('a', page.through, offsets[3], { maxEvents: 2 });
    equal(
      rest.entries.map((entry) => entry.offset),
      [offsets[3]],
      'second page',
    );
    equal(rest.through, offsets[3], 'through');
  }),
  logCase('a read stops before maxBytes, but never before its first entry', {}, async (bench) => {
    const first = await bench.add('a', 'x'.repeat(1_000));
    await bench.add('a', 'x'.repeat(1_000));
    equal((await bench.read('a', 0, undefined, { maxBytes: 10 })).through, first, 'one');
    equal((await bench.read('a', 0, undefined, { maxBytes: 3_000 })).entries.length, 2, 'both');
  }),
  logCase('an unknown channel has no entries and no gap', {}, async (bench) => {
    const offset = await bench.add('a');
    const { epoch, floor, floors = [0], entries, through } = await bench.read('nobody', 0, offset);
    equal(epoch, (await bench.log.head()).epoch, 'epoch');
    equal([floor, floors, entries, through], [0, [0], [], offset], 'page');
  }),
  logCase('appends at once get different offsets, and all are kept', {}, async (bench) => {
    const offsets = await Promise.all(Array.from({ length: 100 }, (_, i) => bench.add('a', String(i))));
    equal(new Set(offsets).size, 100, 'different offsets');
    equal((await bench.offsets('a')).length, 100, 'kept');
  }),
  logCase('time never steps back in the log', {}, async (bench) => {
    await bench.add('a');
    bench.clock.step(-3_600_000);
    await bench.add('a');
    const [first, second] = (await bench.read('a')).entries;
    ok((second?.time ?? 0) >= (first?.time ?? 0), 'second entry is not older');
  }),
];

const watcherCases: LogCase[] = [
  logCase('a watcher hears of every entry in order, before its append is acknowledged', {}, async ({ log }) => {
    await log.append(eventOf('a', 'before'));
    const heard: number[] = [];
    const head = await log.watch({ committed: (entry) => heard.push(entry.offset), interrupted: () => heard.push(-1) });
    const offsets: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { offset } = await log.append(eventOf(i % 2 ? 'a' : 'b c', String(i)));
      offsets.push(offset);
      equal(heard.at(-1), offset, 'heard before the answer');
    }
    equal(heard, offsets, 'heard');
    ok((heard[0] as number) > head.offset, 'only what came after the head');
  }),
  logCase('appends at once are reported in order, none left out, each before its answer', {}, async ({ log }) => {
    const heard: number[] = [];
    await log.watch({
      committed: ({ offset }) => heard.push(offset),
      interrupted: ({ offset }) => heard.push(-offset),
    });
    const sent: number[] = [];
    for (let round = 0; round < 20; round++) {
      const burst = Array.from({ length: 1 + ((round * 7) % 20) }, async (_, i) => {
        const { offset } = await log.append(eventOf(['a', 'b', 'a c'][i % 3] as string, `${round}.${i}`));
        ok(heard.includes(offset), `offset ${offset} heard before its answer`);
        return offset;
      });
      sent.push(...(await Promise.all(burst)));
    }
    equal(
      heard,
      sent.sort((a, b) => a - b),
      'heard',
    );
  }),
  logCase('a watcher that was taken away hears nothing more, others do', {}, async ({ log }) => {
    const heard = { one: 0, two: 0 };
    const one = { committed: () => void heard.one++, interrupted: () => {} };
    await log.watch(one);
    await log.watch({ committed: () => void heard.two++, interrupted: () => {} });
    await log.append(eventOf('a', ''));
    log.unwatch(one);
    await log.append(eventOf('a', ''));
    equal(heard, { one: 1, two: 2 }, 'heard');
  }),
  logCase('a repeated key is reported to nobody', {}, async ({ log }) => {
    let heard = 0;
    await log.watch({ committed: () => void heard++, interrupted: () => {} });
    for (let i = 0; i < 2; i++) await log.append(eventOf('a', 'x', { key: 'k' }));
    equal(heard, 1, 'heard');
  }),
  logCase('a closed log refuses with LOG_CLOSED', {}, async (bench) => {
    await bench.log.close();
    await fails(() => bench.add('a'), 'LOG_CLOSED');
    await fails(() => bench.read('a'), 'LOG_CLOSED');
    await fails(() => bench.log.head(), 'LOG_CLOSED');
  }),
];

/**
 * The contract of a log, sentence by sentence. Any test runner will do:
 *
 * @example
 * for (const { name, run } of logSuite) test(name, () => run((options) => myLog({ ...options, url })));
 */
export const logSuite: readonly LogCase[] = [
  ...orderCases,
  ...readCases,
  ...retentionCases,
  ...keyCases,
  ...watcherCases,
];
