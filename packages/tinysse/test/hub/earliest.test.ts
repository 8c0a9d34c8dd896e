import { type Log, type LogPage, type LogQuery, memoryLog } from 'tinysse';
import { createFakeClock, type FakeClock } from 'tinysse/testing';
import { expect, test } from 'vitest';
import { Window } from '../../src/hub/window.js';
import { channelName } from '../../src/protocol/event.js';
import { createBench, later } from './bench.js';

const small = (maxEventsPerChannel: number) => (clock: Parameters<Parameters<typeof createBench>[0] & object>[0]) =>
  memoryLog({ clock, maxEventsPerChannel });

test('a connection from earliest is told of what is evicted while it reads, though another channel’s floor is higher', () => {
  const { connect, publish, settle } = createBench(small(4), { clientChannelBuffer: 1 });
  const ids = ['a0', 'a1', 'a2', 'a3'].map((data) => publish('a', data));
  for (let i = 0; i < 10; i++) publish('b', `b${i}`);
  settle();
  const client = connect('a b', 'earliest');
  const write = client.write.bind(client);
  client.write = (piece) => {
    // It stalls after its first event.
    if (client.data.length === 0 && new TextDecoder().decode(piece.bytes).includes('a0')) client.reading = false;
    return write(piece);
  };
  settle();
  for (let i = 4; i < 8; i++) publish('a', `a${i}`);
  client.read();
  settle();
  expect(client.resets).toMatchObject([{ reason: 'evicted', id: ids[0] }]);
  expect(client.data).toEqual(['a0', 'b6', 'b7', 'b8', 'b9', 'a4', 'a5', 'a6', 'a7']);
});

test('a connection from earliest hears at once whether anything was evicted before it came', () => {
  const { connect, publish, settle } = createBench(small(4));
  for (let i = 0; i < 4; i++) publish('whole', String(i));
  for (let i = 0; i < 5; i++) publish('cut', String(i));
  settle();
  const position = (channels: string) => {
    const client = connect(channels, 'earliest');
    settle();
    expect(client.resets).toEqual([]);
    return client.frames.filter(({ event }) => event === 'tinysse:position').at(-1);
  };
  const [epoch] = position('whole')?.id?.split('-') ?? [];
  expect(position('whole')).toEqual({ id: `${epoch}-0`, event: 'tinysse:position', data: '15000' });
  expect(position('cut')).toEqual({ id: `${epoch}-5`, event: 'tinysse:position', data: '15000\ncut' });
  // Its first event is older than what was evicted: a cursor before it would lead to a reset.
  expect(position('whole cut')).toEqual({ event: 'tinysse:position', data: '15000\ncut' });
  expect(position('nobody')).toEqual({ id: `${epoch}-0`, event: 'tinysse:position', data: '15000' });
});

test.each([true, false])(
  'a store that leaves out the floors of its channels costs no more than a reset (in memory: %s)',
  async (inMemory) => {
    const make = (clock: FakeClock): Log => {
      const log = memoryLog({ clock, maxEventsPerChannel: 4 });
      const read = (query: LogQuery): LogPage => {
        const { floors: _, ...page } = log.read(query);
        return page as LogPage;
      };
      return inMemory ? { ...log, read } : later({ ...log, read }, clock);
    };
    // A window so small that the log is asked for everything.
    const { connect, publish, settleLater } = createBench(make, { windowBytes: 1 });
    await settleLater();
    const whole = connect('whole', 'earliest');
    for (let i = 0; i < 3; i++) publish('whole', `w${i}`);
    for (let i = 0; i < 6; i++) publish('cut', `c${i}`);
    await settleLater();
    expect(whole.data).toEqual(['w0', 'w1', 'w2']);
    for (const channels of ['whole', 'cut', 'whole cut']) {
      const client = connect(channels, 'earliest');
      await settleLater();
      const kept = [...(channels.includes('whole') ? ['w0', 'w1', 'w2'] : []), ...['c2', 'c3', 'c4', 'c5']];
      expect(client.data).toEqual(channels === 'whole' ? whole.data : kept);
      // It cannot tell what was evicted before from what is evicted meanwhile.
      expect(client.resets).toMatchObject(channels === 'whole cut' ? [{ reason: 'evicted' }] : []);
    }
    expect(whole.resets).toEqual([]);
  },
);

test('a connection from earliest writes no page while its sink holds the position', () => {
  const { connect, publish, settle } = createBench();
  publish('a', '1');
  settle();
  const client = connect('a', 'earliest');
  client.reading = false;
  settle();
  expect(client.pieces).toHaveLength(2);
  client.read();
  settle();
  expect(client.data).toEqual(['1']);
});

test('the window of a slower log serves nothing that the log has evicted by count or age, whatever the clock does', () => {
  const clock = createFakeClock();
  const window = new Window(2 ** 20, clock, { maxEventsPerChannel: 2, maxAgeMs: 1_000, maxBytes: 2 ** 20 });
  window.restart({ epoch: 'e', offset: 0 });
  const channels = [channelName('a')];
  const logTime = clock.now() + 3_600_000;
  for (let offset = 1; offset <= 3; offset++)
    window.push({ offset, time: logTime, channels, event: undefined, data: '', size: 10 });
  const read = (after: number) => window.read({ channels, after, upTo: 3, maxEvents: 10, maxBytes: 1_000 });
  expect(read(0)).toBeUndefined();
  expect(read(1)).toMatchObject({ floor: 1, floors: [1], entries: [{ offset: 2 }, { offset: 3 }] });
  clock.advance(1_001);
  expect(read(1)).toBeUndefined();
  expect(read(3)).toMatchObject({ floor: 3, entries: [] });
});
