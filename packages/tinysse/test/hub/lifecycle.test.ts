import { describe, expect, test } from 'vitest';
import { createBench } from './bench.js';

const positions = (client: { frames: { event?: string; id?: string }[] }): (string | undefined)[] =>
  client.frames.filter(({ event }) => event === 'tinysse:position').map(({ id }) => id);

describe('heartbeats', () => {
  test('tell a quiet subscriber the position it has reached, never less often than the interval', async () => {
    const { clock, connect, publish, settle, hub } = createBench();
    const client = connect('a');
    publish('b', 'moves the edge');
    settle();
    for (let beats = 1; beats <= 4; beats++) {
      clock.advance(15_000);
      expect(positions(client)).toHaveLength(1 + beats);
    }
    expect(positions(client).at(-1)).toBe(await hub.cursor());
  });

  test('spare a subscriber that has been written to', () => {
    const { clock, connect, publish, settle } = createBench();
    const client = connect('a');
    for (let i = 0; i < 30; i++) {
      clock.advance(4_000);
      publish('a', String(i));
      settle();
    }
    expect(positions(client)).toHaveLength(1);
  });

  test('never leave a stream silent for longer than the interval, whenever it was written to last', () => {
    const { clock, connect, publish, settle } = createBench();
    const client = connect('a');
    let [written, at, longest] = [client.text.length, clock.now(), 0];
    for (let i = 0; i < 3_000; i++) {
      clock.advance(100);
      if (i % 173 === 0) publish('a', '');
      settle();
      if (client.text.length === written) longest = Math.max(longest, clock.now() - at);
      else [written, at] = [client.text.length, clock.now()];
    }
    expect(longest).toBeLessThanOrEqual(15_000);
  });

  test('reach nobody whose sink holds bytes, and are spread over time for many', () => {
    const { clock, connect, publish, settle } = createBench();
    const clients = Array.from({ length: 100 }, () => connect('a'));
    const stalled = connect('a');
    stalled.reading = false;
    publish('a', '1');
    settle();
    const held = stalled.heldBytes;
    let most = 0;
    for (let i = 0; i < 300; i++) {
      const before = clients.reduce((sum, client) => sum + client.pieces.length, 0);
      clock.advance(100);
      most = Math.max(most, clients.reduce((sum, client) => sum + client.pieces.length, 0) - before);
    }
    expect(stalled.heldBytes).toBe(held);
    expect(most).toBeLessThanOrEqual(25);
  });

  test('set no timer while there is nobody', () => {
    const { clock, connect } = createBench();
    const client = connect('a');
    expect(clock.timers).toBe(1);
    client.end();
    clock.advance(15_000);
    expect(clock.timers).toBe(0);
  });
});

describe('a slow subscriber', () => {
  test('that takes nothing for stallMs is let go', () => {
    const { clock, connect, publish, settle } = createBench();
    const client = connect('a');
    client.reading = false;
    publish('a', '1');
    settle();
    clock.advance(59_000);
    expect(client.why).toEqual([]);
    clock.advance(1_000 + 5_000);
    expect([client.why, client.closed]).toEqual([['stalled'], true]);
  });

  test.each([
    ['replay', []],
    ['disconnect', ['slow']],
  ] as const)('that reads, but stays behind for stallMs: slowClient %s', (slowClient, why) => {
    const { clock, connect, publish, settle } = createBench(undefined, { slowClient, clientChannelBuffer: 1 });
    const client = connect('a');
    client.reading = false;
    for (let i = 0; i < 200; i++) {
      publish('a', String(i));
      publish('a', String(i));
      settle();
      client.read();
      client.reading = false;
      clock.advance(1_000);
    }
    expect(client.why).toEqual(why);
  });
});

describe('an end', () => {
  test('by the client leaves nothing behind, however often it is said', async () => {
    const { connect, hub, publish, settle, clock } = createBench();
    const client = connect('a b', 'latest', { expiresAt: Date.UTC(2100, 0) });
    client.end();
    client.end();
    publish('a', '1');
    settle();
    clock.advance(15_000);
    expect(client.data).toEqual([]);
    expect([client.why, client.closed]).toEqual([['gone'], false]);
    expect(await hub.stats()).toMatchObject({ subscribers: 0, channels: 0 });
    expect(clock.timers).toBe(0);
  });

  test('by expiry comes at its moment', () => {
    const { connect, clock } = createBench();
    const client = connect('a', 'latest', { expiresAt: clock.now() + 100_000 });
    clock.advance(99_999);
    expect(client.closed).toBe(false);
    clock.advance(1);
    expect([client.closed, client.why]).toEqual([true, ['expired']]);
  });

  test('by disconnect reaches the subscribers of that channel and counts them', () => {
    const { connect, hub } = createBench();
    const clients = [connect('a b'), connect('a'), connect('b')];
    expect(hub.disconnect('a' as never)).toBe(2);
    expect(clients.map((client) => client.why)).toEqual([['disconnected'], ['disconnected'], []]);
    expect(hub.disconnect('nobody' as never)).toBe(0);
  });
});

describe('closing', () => {
  test('flushes, says when to come back and ends live streams at once', async () => {
    const { connect, hub, publish } = createBench();
    const client = connect('a');
    publish('a', 'last');
    await hub.close(10_000);
    expect(client.data).toEqual(['last']);
    expect(client.frames.at(-1)).toEqual({ retry: '3000' });
    expect([client.closed, client.why]).toEqual([true, ['draining']]);
  });

  test('lets those behind catch up first, and waits for them no longer than drainMs', async () => {
    const { connect, hub, publish, settle, clock } = createBench();
    const [slow, dead] = [connect('a'), connect('a')];
    slow.reading = dead.reading = false;
    for (let i = 0; i < 10; i++) {
      publish('a', String(i));
      settle();
    }
    const closing = hub.close(10_000);
    slow.read();
    settle();
    expect([slow.data.length, slow.why, dead.why]).toEqual([10, ['draining'], []]);
    clock.advance(10_000);
    await closing;
    expect([dead.why, dead.closed]).toEqual([['draining'], true]);
  });

  test('refuses newcomers and publishes', async () => {
    const { hub } = createBench();
    await hub.close(1);
    expect(() => hub.admit()).toThrow(expect.objectContaining({ code: 'DRAINING' }));
    expect(() => hub.publish({ channels: 'a', data: '' })).toThrow(
      expect.objectContaining({ code: 'LOG_CLOSED', outcome: 'rejected' }),
    );
  });
});

describe('a source', () => {
  test('writes before the log does, without ids, and what was published meanwhile follows', async () => {
    const { connect, publish, settleLater } = createBench();
    publish('a', 'before');
    async function* snapshot() {
      yield { event: 'snapshot', data: 'one' };
      publish('a', 'meanwhile');
      yield { data: 'two\nlines' };
    }
    const client = connect('a', 'latest', { source: snapshot() });
    await settleLater();
    publish('a', 'after');
    await settleLater();
    expect(client.frames.slice(1).map(({ id, ...rest }) => ({ ...rest, id: id !== undefined }))).toEqual([
      { id: false, event: 'tinysse:position', data: '15000' },
      { id: false, event: 'snapshot', data: 'one' },
      { id: false, data: 'two\nlines' },
      { id: true, event: 'tinysse:position', data: '15000' },
      { id: true, data: 'meanwhile' },
      { id: true, data: 'after' },
    ]);
  });

  test('without channels ends the stream with it', async () => {
    const { connect, settleLater } = createBench();
    const client = connect('', 'latest', { source: [{ data: '1' }, { data: '2' }] });
    await settleLater();
    expect([client.data, client.why, client.closed]).toEqual([['1', '2'], ['ended'], true]);
  });

  test('is pulled only as fast as the client reads', async () => {
    const { connect, settleLater } = createBench();
    let pulled = 0;
    function* numbers() {
      for (;;) yield { data: String(pulled++) };
    }
    const stop = numbers();
    const client = connect('a', 'latest', { source: { [Symbol.iterator]: () => stop } });
    client.reading = false;
    await settleLater();
    const before = pulled;
    await settleLater();
    expect([before, pulled]).toEqual([1, 1]);
    client.read();
    client.reading = false;
    await settleLater();
    expect(pulled).toBe(2);
    client.end();
  });

  test('has its return() called when the client leaves while a value is being waited for', async () => {
    const { connect, settleLater, hub } = createBench();
    let returned = 0;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          returned++;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const client = connect('a', 'latest', { source });
    await settleLater();
    client.end();
    expect([returned, (await hub.stats()).subscribers]).toEqual([1, 0]);
  });

  test.each([
    ['throws', [{ data: '1' }], new Error('broken')],
    ['yields what is no event', [{ data: '1' }, { data: 5 as unknown as string }], undefined],
    ['yields a reserved name', [{ data: '1' }, { event: 'tinysse:reset', data: '' }], undefined],
  ])('that %s ends the stream and is logged', async (_, events, error) => {
    const { connect, settleLater, errors } = createBench();
    async function* source() {
      yield* events;
      if (error) throw error;
    }
    const client = connect('a', 'latest', { source: source() });
    await settleLater();
    expect([client.data, client.why]).toEqual([['1'], ['failed']]);
    expect(errors).toHaveLength(1);
  });

  test.each([
    [
      'throws when it is asked for an iterator',
      () => {
        throw new Error('broken');
      },
    ],
    ['gives no iterator', () => undefined as never],
  ])('that %s ends the stream and leaves nothing behind', async (_, iterate) => {
    const { connect, settleLater, errors, hub } = createBench();
    const client = connect('a', 'latest', { source: { [Symbol.asyncIterator]: iterate } });
    await settleLater();
    expect([client.why, errors.length, (await hub.stats()).subscribers]).toEqual([['failed'], 1, 0]);
  });

  test('whose return() throws harms nobody when the client leaves', async () => {
    const { connect, settleLater, hub } = createBench();
    function* source() {
      try {
        for (;;) yield { data: '1' };
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: a source that fails in its clean-up is what is tested
        throw new Error('broken');
      }
    }
    const client = connect('a', 'latest', { source: source() });
    client.reading = false;
    await settleLater();
    client.end();
    expect((await hub.stats()).subscribers).toBe(0);
  });

  test('hears heartbeats while it is silent', async () => {
    const { connect, settleLater, clock } = createBench();
    const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const client = connect('a', 'latest', { source });
    await settleLater();
    clock.advance(15_000);
    expect(positions(client)).toHaveLength(2);
    client.end();
  });
});
