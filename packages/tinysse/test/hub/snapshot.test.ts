import { memoryLog } from 'tinysse';
import { describe, expect, test } from 'vitest';
import type { SourceEvent } from '../../src/hub/source.js';
import { createBench, type Frame, later } from './bench.js';

const small = (maxEventsPerChannel: number) => (clock: Parameters<Parameters<typeof createBench>[0] & object>[0]) =>
  memoryLog({ clock, maxEventsPerChannel });

/** A page's state: an item by name, as a database holds it, and every change published after it is written. */
function createState(bench: ReturnType<typeof createBench>) {
  const rows = new Map<string, number>();
  return {
    rows,
    set(name: string, value: number) {
      rows.set(name, value);
      return bench.publish('a', JSON.stringify([name, value]));
    },
    snapshot: () => [...rows].map((row) => ({ data: JSON.stringify(row) })),
  };
}

/** Names of the server's events; data of the others; which of them have an id. */
const outline = (frames: readonly Frame[]) =>
  frames
    .filter(({ data }) => data !== undefined)
    .map(({ id, event, data }) => `${id === undefined ? '' : 'id '}${event ?? data}`);

describe('a snapshot', () => {
  test('is what a client without a position gets, without ids; its position follows, and then what came meanwhile', async () => {
    const bench = createBench();
    const state = createState(bench);
    state.set('x', 1);
    async function* snapshot() {
      yield* state.snapshot();
      state.set('y', 2);
    }
    const before = await bench.hub.cursor();
    const client = bench.connect('a', 'latest', { snapshot });
    await bench.settleLater();
    expect(outline(client.frames)).toEqual([
      'tinysse:position',
      'tinysse:snapshot',
      '["x",1]',
      'id tinysse:position',
      'id ["y",2]',
    ]);
    expect(client.frames.find(({ event }) => event === 'tinysse:snapshot')?.data).toBe('{"reason":"start"}');
    expect(client.frames.findLast(({ event }) => event === 'tinysse:position')?.id).toBe(before);
  });

  test('is not sent to a client whose position can be continued', async () => {
    const bench = createBench();
    const state = createState(bench);
    const id = state.set('x', 1);
    state.set('x', 2);
    const client = bench.connect('a', id, { snapshot: state.snapshot });
    await bench.settleLater();
    expect(outline(client.frames)).toEqual(['id tinysse:position', 'id ["x",2]']);
  });

  test.each([
    ['evicted', (bench: ReturnType<typeof createBench>) => bench.publish('a', 'old')],
    ['unknown', () => '17'],
    ['epoch', () => '0000000000000001-3'],
  ])('follows the reset of a gap at connect (%s)', async (reason, idOf) => {
    const bench = createBench(small(2));
    const state = createState(bench);
    const id = idOf(bench);
    for (let i = 0; i < 5; i++) state.set('x', i);
    const head = await bench.hub.cursor();
    const client = bench.connect('a', id, { snapshot: state.snapshot });
    await bench.settleLater();
    expect(outline(client.frames).slice(-4)).toEqual([
      'tinysse:reset',
      'tinysse:snapshot',
      '["x",4]',
      'id tinysse:position',
    ]);
    expect(client.resets).toMatchObject([{ id: undefined, reason, lastEventId: id, resumedAt: head }]);
    expect(client.frames.at(-1)?.id).toBe(head);
  });

  test('follows the reset of a gap in the middle of a connection', async () => {
    const bench = createBench(small(2));
    const state = createState(bench);
    const client = bench.connect('a', 'latest', { snapshot: state.snapshot });
    await bench.settleLater();
    client.reading = false;
    for (let i = 0; i < 9; i++) {
      state.set('x', i);
      bench.settle();
    }
    client.read();
    await bench.settleLater();
    state.set('y', 1);
    await bench.settleLater();
    expect(outline(client.frames).slice(-5)).toEqual([
      'tinysse:reset',
      'tinysse:snapshot',
      '["x",8]',
      'id tinysse:position',
      'id ["y",1]',
    ]);
  });

  test('that fails ends the connection with a time to come back, and blanks nothing', async () => {
    const bench = createBench();
    const fail = () => {
      throw new Error('database away');
    };
    const client = bench.connect('a', 'latest', { snapshot: fail });
    const late = bench.connect('a', 'latest', { snapshot: () => new Promise<never>(() => {}) });
    await bench.settleLater();
    expect([outline(client.frames), client.why]).toEqual([['tinysse:position'], ['failed']]);
    expect(client.text).toMatch(/\n\nretry: \d+\n\n$/);
    expect(bench.errors).toEqual([['a snapshot failed', new Error('database away')]]);
    bench.clock.advance(10_000);
    await bench.settleLater();
    expect(late.why).toEqual(['failed']);
    expect(bench.errors[1]).toMatchObject(['a snapshot failed', { code: 'SNAPSHOT_TIMEOUT' }]);
    expect((await bench.hub.stats()).snapshots).toEqual({ complete: 0, failed: 2, running: 0, waiting: 0 });
  });

  test('whose first event is none blanks nothing, and says by its code what is wrong with it', async () => {
    const bench = createBench(small(1));
    const id = bench.publish('a', '1');
    bench.publish('a', '2');
    bench.publish('a', '3');
    const client = bench.connect('a', id, { snapshot: () => [{ event: 'tinysse:position', data: 'x' }] });
    await bench.settleLater();
    expect([outline(client.frames), client.why]).toEqual([['id tinysse:position'], ['failed']]);
    expect(bench.errors).toMatchObject([['a snapshot failed', { code: 'RESERVED_EVENT' }]]);
  });

  test('that fails without an error has failed as well', async () => {
    const bench = createBench();
    const client = bench.connect('a', 'latest', { snapshot: () => Promise.reject(undefined) });
    await bench.settleLater();
    expect(client.why).toEqual(['failed']);
  });

  test('leaves in few writes, in order, and a page of it lets others have their turn', async () => {
    const bench = createBench();
    const live = bench.connect('b', 'earliest');
    const rows = Array.from({ length: 5_000 }, (_, i) => ({ data: `row ${i} ${'x'.repeat(100)}` }));
    let heard = 0;
    function* snapshot() {
      for (const [i, one] of rows.entries()) {
        if (i === 1_000) bench.publish('b', 'news');
        if (i === 2_000) heard = live.data.length;
        yield one;
      }
    }
    const client = bench.connect('a', 'latest', { snapshot });
    let writes = 0;
    const write = client.write.bind(client);
    client.write = (piece) => {
      writes++;
      return write(piece);
    };
    await bench.settleLater();
    expect(client.data).toEqual(rows.map(({ data }) => data));
    expect(writes).toBeLessThan(60);
    expect(heard).toBe(1);
  });

  test('whose client reads again goes before those that have not begun', async () => {
    const { limits } = createBench.defaults;
    const bench = createBench(undefined, { limits: { ...limits, snapshots: 1 } });
    const order: string[] = [];
    const answers: (() => void)[] = [];
    const slow = (name: string) =>
      async function* () {
        for (const part of [1, 2]) {
          await new Promise<void>((go) => answers.push(go));
          order.push(`${name}${part}`);
          yield { data: name };
        }
      };
    const answer = async (): Promise<void> => {
      answers.shift()?.();
      await bench.settleLater();
    };
    const first = bench.connect('a', 'latest', { snapshot: slow('a') });
    await bench.settleLater();
    for (const name of ['b', 'c']) bench.connect('a', 'latest', { snapshot: slow(name) });
    first.reading = false;
    await answer();
    first.read();
    await bench.settleLater();
    while (answers.length > 0) await answer();
    expect(order).toEqual(['a1', 'b1', 'b2', 'a2', 'c1', 'c2']);
  });

  test('is told to the observer, with its error if it failed, and not when its client has left', async () => {
    const told: unknown[] = [];
    const bench = createBench(undefined, { observer: { snapshotTaken: (ms, error) => told.push([ms >= 0, error]) } });
    const error = new Error('database away');
    bench.connect('a', 'latest', { snapshot: () => [{ data: 'x' }] });
    bench.connect('a', 'latest', { snapshot: () => Promise.reject(error) });
    const leaver = bench.connect('a', 'latest', { snapshot: () => new Promise<never>(() => {}) });
    await bench.settleLater();
    leaver.end();
    await bench.settleLater();
    expect(told).toEqual([
      [true, error],
      [true, undefined],
    ]);
  });

  test('that fails half-way ends the connection; nothing of it had an id', async () => {
    const bench = createBench();
    async function* snapshot() {
      yield { data: 'half' };
      throw new Error('database away');
    }
    const client = bench.connect('a', 'latest', { snapshot });
    await bench.settleLater();
    expect(client.why).toEqual(['failed']);
    expect(client.text).not.toContain('id: ');
  });

  test('that is overtaken is taken once more; then the connection ends with a time to come back', async () => {
    const bench = createBench(small(1), { clientChannelBuffer: 1 });
    let taken = 0;
    async function* snapshot() {
      yield { data: `snapshot ${++taken}` };
      for (let i = 0; i < 3; i++) bench.publish('a', `${taken}.${i}`);
      bench.settle();
    }
    const client = bench.connect('a', 'latest', { snapshot });
    await bench.settleLater();
    expect([taken, client.why]).toEqual([2, ['gap']]);
    expect(outline(client.frames)).toEqual([
      'tinysse:position',
      'tinysse:snapshot',
      'snapshot 1',
      'id tinysse:position',
      'tinysse:reset',
      'tinysse:snapshot',
      'snapshot 2',
      'id tinysse:position',
    ]);
    expect(client.text).toMatch(/\n\nretry: \d+\n\n$/);
  });

  test('waits for its turn, and hears heartbeats without ids meanwhile; a client that does not read keeps no turn', async () => {
    const { limits } = createBench.defaults;
    const bench = createBench(undefined, { limits: { ...limits, snapshots: 1 } });
    const ask = bench.connect('a', 'latest', { snapshot: () => new Promise<SourceEvent[]>((go) => (answer = go)) });
    let answer: (events: SourceEvent[]) => void = () => {};
    await bench.settleLater();
    const waiting = bench.connect('a', 'latest', { snapshot: () => [{ data: 'second' }] });
    await bench.settleLater();
    expect((await bench.hub.stats()).snapshots).toMatchObject({ running: 1, waiting: 1 });
    bench.clock.advance(9_000);
    bench.clock.advance(900);
    expect(waiting.data).toEqual([]);
    ask.reading = false;
    answer([{ data: 'first 1' }, { data: 'first 2' }]);
    await bench.settleLater();
    expect(waiting.data).toEqual(['second']);
    ask.read();
    await bench.settleLater();
    expect(ask.data).toEqual(['first 1', 'first 2']);
    expect((await bench.hub.stats()).snapshots).toEqual({ complete: 2, failed: 0, running: 0, waiting: 0 });
  });

  test('that comes after its time-out is given back', async () => {
    const bench = createBench();
    let answer: (source: AsyncIterable<SourceEvent>) => void = () => {};
    let returned = false;
    const client = bench.connect('a', 'latest', { snapshot: () => new Promise((go) => (answer = go)) });
    await bench.settleLater();
    bench.clock.advance(10_000);
    await bench.settleLater();
    expect(client.why).toEqual(['failed']);
    answer({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => ({ done: (returned = true), value: undefined }),
      }),
    });
    await bench.settleLater();
    expect(returned).toBe(true);
  });

  test('whose end throws in code of the application ends the connection, which nothing else would step', async () => {
    const bench = createBench(undefined, {
      observer: {
        snapshotTaken: () => {
          throw new Error('an observer must not throw');
        },
      },
    });
    const client = bench.connect('a', 'latest', { snapshot: () => [] });
    await bench.settleLater();
    expect(client.closed).toBe(true);
  });

  test('may take longer than a slow client may be behind', async () => {
    const bench = createBench((clock) => later(memoryLog({ clock }), clock), {
      slowClient: 'disconnect',
      stallMs: 5_000,
    });
    let answer: (events: SourceEvent[]) => void = () => {};
    const client = bench.connect('a', 'latest', { snapshot: () => new Promise((go) => (answer = go)) });
    await bench.settleLater();
    void bench.hub.publish({ channels: 'a', data: 'meanwhile' });
    await bench.settleLater();
    bench.clock.advance(8_000);
    answer([{ data: 'row' }]);
    // Its page is on its way as the hub looks who is slow.
    await new Promise((resolve) => setImmediate(resolve));
    bench.clock.advance(400);
    await bench.settleLater();
    expect([client.why, client.data]).toEqual([[], ['row', 'meanwhile']]);
  });

  test('whose client has left is ended, whether it runs or waits', async () => {
    const { limits } = createBench.defaults;
    const bench = createBench(undefined, { limits: { ...limits, snapshots: 1 } });
    let returned = 0;
    const endless = () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => ({ done: true as const, value: ++returned }),
      }),
    });
    const running = bench.connect('a', 'latest', { snapshot: endless });
    await bench.settleLater();
    const waiting = bench.connect('a', 'latest', { snapshot: endless });
    running.end();
    await bench.settleLater();
    waiting.end();
    await bench.settleLater();
    const next = bench.connect('a', 'latest', { snapshot: () => [{ data: 'x' }] });
    bench.clock.advance(10_000);
    await bench.settleLater();
    expect([returned, next.data]).toEqual([2, ['x']]);
    expect((await bench.hub.stats()).snapshots).toEqual({ complete: 1, failed: 0, running: 0, waiting: 0 });
  });
});
