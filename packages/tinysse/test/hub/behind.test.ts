import { memoryLog, type SyncLog } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { channelName } from '../../src/protocol/event.js';
import { createBench, isPublished } from './bench.js';

const small = (maxEventsPerChannel: number) => (clock: Parameters<Parameters<typeof createBench>[0] & object>[0]) =>
  memoryLog({ clock, maxEventsPerChannel });

describe('a subscriber that does not read', () => {
  test('holds the one piece that was written, and gets the rest from the log when it reads again', () => {
    const { connect, publish, settle } = createBench();
    const client = connect('a');
    client.reading = false;
    for (let i = 0; i < 500; i++) {
      publish('a', `${i}`.padEnd(100));
      settle();
    }
    expect(client.heldBytes).toBeLessThan(200);
    client.read();
    settle();
    expect(client.data.map(Number)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(client.resets).toEqual([]);
  });

  test('blocks nobody', () => {
    const { connect, publish, settle } = createBench();
    connect('a').reading = false;
    const other = connect('a');
    for (let i = 0; i < 100; i++) publish('a', String(i));
    settle();
    expect(other.data).toHaveLength(100);
  });

  test('a log that throws fails nobody but who asks it, and is asked again', () => {
    let away = false;
    const { clock, connect, publish, settle, errors } = createBench(
      (clock) => {
        const log = memoryLog({ clock });
        const read: SyncLog['read'] = (query) => {
          if (away) throw new Error('away');
          return log.read(query);
        };
        return { ...log, read };
      },
      { clientChannelBuffer: 1 },
    );
    publish('a', '1');
    settle();
    away = true;
    const clients = [connect('a', 'earliest'), connect('a', 'earliest')];
    settle();
    expect(errors).toHaveLength(2);
    away = false;
    clock.advance(1_000);
    settle();
    for (const client of clients) expect(client.data).toEqual(['1']);
  });

  test('stops in the middle of a flush and goes on where it stopped', () => {
    const { connect, publish, settle } = createBench();
    const client = connect('a');
    for (let i = 0; i < 10; i++) publish('a', `${i}`.padEnd(20_000));
    const write = client.write.bind(client);
    client.write = (piece) => {
      if (client.data.length === 3) client.reading = false;
      return write(piece);
    };
    settle();
    expect(client.data).toHaveLength(3);
    client.write = write;
    client.read();
    settle();
    expect(client.data.map(Number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('gets at most clientChannelBuffer events at once while it catches up', () => {
    const { connect, publish, settle } = createBench(undefined, { clientChannelBuffer: 10 });
    for (let i = 0; i < 35; i++) publish('a', String(i));
    settle();
    const client = connect('a', 'earliest');
    settle();
    expect(
      client.pieces.slice(2).map((piece) => new TextDecoder().decode(piece.bytes).split('\n\n').length - 1),
    ).toEqual([10, 10, 10, 5]);
  });

  test('shares the pages it reads with all who have the same channels and position', () => {
    const { connect, publish, settle } = createBench();
    for (let i = 0; i < 100; i++) publish(i % 2 ? 'a' : 'b', `${i}`.padEnd(1_000));
    settle();
    const clients = [connect('a b', 'earliest'), connect('b a', 'earliest'), connect('a b', 'earliest')];
    settle();
    expect(clients.map((client) => client.data.length)).toEqual([100, 100, 100]);
    expect(new Set(clients.flatMap((client) => client.pieces.slice(2))).size).toBe(clients[0]?.pieces.slice(2).length);
  });

  test('that is for ever slower than the publishing gets resets, never a silent hole, and always moves on', () => {
    const { connect, publish, settle } = createBench(small(10));
    const client = connect('a');
    const cursors: string[] = [];
    for (let round = 0; round < 30; round++) {
      client.reading = false;
      for (let i = 0; i < 25; i++) cursors.push(publish('a', `${round}.${i}`));
      settle();
      client.read();
      if (round % 3 === 0) settle();
    }
    settle();
    expect(client.resets.length).toBeGreaterThan(5);
    let at = 0;
    for (const frame of client.frames.slice(2)) {
      if (isPublished(frame)) expect(cursors.indexOf(frame.id ?? '')).toBe(at++);
      else if (frame.event === 'tinysse:reset') at = cursors.indexOf(JSON.parse(frame.data ?? '').resumedAt) + 1;
    }
    expect(at).toBe(cursors.length);
  });
});

describe('a gap', () => {
  test('by eviction: says what may be missing and goes on with whatever survives', () => {
    const { connect, publish, settle } = createBench(small(3));
    const cursor = publish('busy', '0');
    const quiet = publish('quiet', 'q');
    let last = '';
    for (let i = 1; i <= 6; i++) last = publish('busy', String(i));
    settle();
    const client = connect('busy quiet', cursor);
    settle();
    const floor = `${cursor.split('-')[0]}-${Number(last.split('-')[1]) - 3}`;
    expect(client.resets).toEqual([{ id: cursor, reason: 'evicted', lastEventId: cursor, resumedAt: floor }]);
    expect(client.data).toEqual(['q', '4', '5', '6']);
    expect(client.frames.find(({ data }) => data === 'q')?.id).toBe(quiet);
  });

  test('in the past of one channel is told once: {busy, quiet} that reads slowly after it gets no second reset', () => {
    const { connect, publish, settle } = createBench(small(5), { clientChannelBuffer: 2 });
    const cursor = publish('busy', 'seen');
    for (let i = 0; i < 5; i++) publish('quiet', `q${i}`);
    for (let i = 0; i < 20; i++) publish('busy', `b${i}`);
    settle();
    const client = connect('busy quiet', cursor);
    for (let i = 0; i < 10; i++) {
      client.reading = false;
      settle();
      client.read();
    }
    settle();
    expect(client.resets).toHaveLength(1);
    expect(client.data).toEqual(['q0', 'q1', 'q2', 'q3', 'q4', 'b15', 'b16', 'b17', 'b18', 'b19']);
  });

  test('that is not: a quiet channel below the floor of a busy one that nobody here subscribes to', () => {
    const { connect, publish, settle } = createBench(small(3));
    const cursor = publish('quiet', '0');
    for (let i = 0; i < 50; i++) publish('busy', String(i));
    publish('quiet', '1');
    settle();
    const client = connect('quiet', cursor);
    settle();
    expect([client.resets, client.data]).toEqual([[], ['1']]);
  });

  test('is followed in the same turn by what survives, before more of it can be evicted', () => {
    const { clock, connect, publish, settle } = createBench(small(3));
    const cursor = publish('a', 'seen');
    for (let i = 0; i < 5; i++) publish('a', String(i));
    settle();
    const client = connect('a', cursor);
    clock.turn();
    expect(client.resets).toHaveLength(1);
    expect(client.data).toEqual(['2', '3', '4']);
  });

  test('by a second eviction before the edge was met resumes at the edge', () => {
    const { clock, connect, publish, settle, hub } = createBench(small(5), { clientChannelBuffer: 1 });
    const cursor = publish('a', 'seen');
    for (let i = 0; i < 10; i++) publish('a', `first ${i}`);
    settle();
    const client = connect('a', cursor);
    clock.turn();
    client.reading = false;
    for (let i = 0; i < 10; i++) publish('a', `second ${i}`);
    settle();
    client.read();
    settle();
    expect(client.resets).toHaveLength(2);
    expect(client.resets[1]?.id).toBe(client.resets[1]?.resumedAt);
    publish('a', 'live');
    settle();
    expect(client.data.at(-1)).toBe('live');
    expect(hub.disconnect('a' as never)).toBe(1);
  });

  test.each([
    ['of another epoch', 'epoch', '0123456789abcdef-7'],
    ['that is no cursor, as from another server', 'unknown', '17'],
    ['that is no cursor at all', 'unknown', 'x"\n\u{1F600}'],
  ])('by a Last-Event-ID %s: everything that survives follows', async (_, reason, lastEventId) => {
    const { connect, publish, settle, hub } = createBench(small(3));
    for (let i = 0; i < 5; i++) publish('a', String(i));
    settle();
    const client = connect('a', lastEventId);
    settle();
    const epoch = (await hub.cursor()).split('-')[0];
    expect(client.resets).toEqual([{ id: `${epoch}-0`, reason, lastEventId, resumedAt: `${epoch}-2` }]);
    expect(client.data).toEqual(['2', '3', '4']);
    expect((await hub.stats()).resets).toMatchObject({ [reason]: 1 });
  });

  test('by a cursor above the head: goes on after the head', async () => {
    const { connect, publish, settle, hub } = createBench();
    publish('a', '1');
    settle();
    const [epoch] = (await hub.cursor()).split('-');
    const client = connect('a', `${epoch}-999`);
    settle();
    publish('a', '2');
    settle();
    expect(client.resets).toEqual([
      { id: `${epoch}-1`, reason: 'unknown', lastEventId: `${epoch}-999`, resumedAt: `${epoch}-1` },
    ]);
    expect(client.data).toEqual(['2']);
  });

  test('that a client asked for is none: the earliest that is retained', () => {
    const { connect, publish, settle } = createBench(small(3));
    for (let i = 0; i < 5; i++) publish('a', String(i));
    settle();
    const client = connect('a', 'earliest');
    settle();
    expect([client.resets, client.data]).toEqual([[], ['2', '3', '4']]);
  });

  test('after a stream from the earliest is one again', () => {
    const { connect, publish, settle } = createBench(small(3));
    publish('a', '0');
    settle();
    const client = connect('a', 'earliest');
    settle();
    client.reading = false;
    for (let i = 1; i < 10; i++) {
      publish('a', String(i));
      settle();
    }
    client.read();
    settle();
    expect(client.resets).toHaveLength(1);
    expect(client.data).toEqual(['0', '1', '7', '8', '9']);
  });

  test('without control events ends the connection, and the client is told when to come back', async () => {
    const { connect, publish, settle, hub } = createBench(small(3));
    const client = connect('a', 'latest', { controlEvents: false });
    publish('a', '0');
    settle();
    client.reading = false;
    for (let i = 1; i < 9; i++) {
      publish('a', String(i));
      settle();
    }
    client.read();
    settle();
    expect([client.data, client.why, client.closed]).toEqual([['0', '1'], ['gap'], true]);
    expect(client.text).toMatch(/\n\nretry: \d+\n\n$/);
    expect(client.text).not.toContain('event: tinysse');
    const last = client.frames.findLast(({ id }) => id !== undefined)?.id ?? '';
    expect(await hub.gap([channelName('a')], last)).toBe('evicted');
  });
});
