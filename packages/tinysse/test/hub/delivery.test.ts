import { memoryLog } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { channelName } from '../../src/protocol/event.js';
import { createBench, deafen, later } from './bench.js';

describe('a live subscriber', () => {
  test('is told first when to come back, where it starts and how often it hears from the server', async () => {
    const { connect, hub } = createBench();
    const client = connect('a');
    expect(client.frames).toEqual([
      { retry: '2000' },
      { id: await hub.cursor(), event: 'tinysse:position', data: '15000' },
    ]);
  });

  test('gets the events of its channels in order, named or not, with their cursors', () => {
    const { connect, publish, hub, settle } = createBench();
    const client = connect('a b');
    const ids = [
      publish('a', '1'),
      publish('c', 'not for it'),
      hub.publish({ channels: 'b', event: 'update', data: '2' }),
    ];
    settle();
    expect(client.frames.slice(2)).toEqual([
      { id: ids[0], data: '1' },
      { id: ids[2], event: 'update', data: '2' },
    ]);
  });

  test('gets an event for several of its channels once', () => {
    const { connect, publish, settle } = createBench();
    const client = connect('a b c');
    publish('a b', '1');
    publish('b c', '2');
    publish('c', '3');
    settle();
    expect(client.data).toEqual(['1', '2', '3']);
  });

  test('shares its bytes with every subscriber that is due the same events, whatever else they subscribe to', () => {
    const { connect, publish, settle } = createBench();
    const clients = [connect('all me'), connect('all you'), connect('all')];
    publish('all', '1');
    publish('all', '2');
    settle();
    const pieces = new Set(clients.map((client) => client.pieces.at(-1)));
    expect(pieces.size).toBe(1);
    expect(clients[0]?.data).toEqual(['1', '2']);
  });

  test('gets all that one turn has published in one write', () => {
    const { connect, publish, settle } = createBench();
    const client = connect('a');
    const before = client.pieces.length;
    for (let i = 0; i < 50; i++) publish('a', String(i));
    settle();
    expect(client.pieces.length - before).toBe(1);
    expect(client.data).toHaveLength(50);
  });

  test('gets pieces of at most 32 KiB, unless one event is longer', () => {
    const { connect, publish, settle } = createBench();
    const client = connect('a');
    publish('a', 'x'.repeat(100_000));
    for (let i = 0; i < 20; i++) publish('a', 'y'.repeat(10_000));
    settle();
    const sizes = client.pieces.slice(1).map((piece) => piece.bytes.length);
    expect(sizes[0]).toBeGreaterThan(100_000);
    expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(32_768);
    expect(client.data).toHaveLength(21);
  });

  test('is not disturbed by a neighbour whose sink throws, and the neighbour is let go', () => {
    const { connect, publish, settle, hub } = createBench();
    const bad = connect('a');
    const good = connect('a');
    bad.write = () => {
      throw new Error('broken');
    };
    publish('a', '1');
    settle();
    expect([bad.why, good.data]).toEqual([['failed'], ['1']]);
    publish('a', '2');
    settle();
    expect(good.data).toEqual(['1', '2']);
    expect(hub.disconnect('a' as never)).toBe(1);
  });

  test('gets an event that is published while it is being written to', () => {
    const { connect, publish, settle } = createBench();
    const client = connect('a');
    const write = client.write.bind(client);
    let echoed = false;
    client.write = (piece) => {
      if (!echoed) publish('a', 'echo');
      echoed = true;
      return write(piece);
    };
    publish('a', '1');
    settle();
    expect(client.data).toEqual(['1', 'echo']);
  });
});

describe('a subscriber that comes while events wait for the flush', () => {
  test.each(['first on the channel', 'beside another'])(
    'starts after them when it asks for the latest (%s)',
    (place) => {
      const { connect, publish, settle } = createBench();
      if (place === 'beside another') connect('a');
      publish('a', 'before');
      const client = connect('a');
      publish('a', 'after');
      settle();
      expect(client.data).toEqual(['after']);
    },
  );

  test.each(['first on the channel', 'beside another'])(
    'gets them when its cursor is at the edge (%s)',
    async (place) => {
      const { connect, publish, settle, hub } = createBench();
      if (place === 'beside another') connect('a');
      const cursor = await hub.cursor();
      publish('a', 'before');
      const client = connect('a', cursor);
      publish('a', 'after');
      settle();
      expect(client.data).toEqual(['before', 'after']);
    },
  );

  test('goes on after a cursor that was taken among them', () => {
    const { connect, publish, settle } = createBench();
    const other = connect('a');
    publish('a', '1');
    const cursor = publish('a', '2');
    publish('a', '3');
    const client = connect('a', cursor);
    settle();
    publish('a', '4');
    settle();
    expect([client.data, client.resets]).toEqual([['3', '4'], []]);
    expect(other.data).toEqual(['1', '2', '3', '4']);
  });

  test('is told of a gap when they have been evicted before they were flushed', () => {
    const { connect, publish, settle } = createBench((clock) => memoryLog({ clock, maxEventsPerChannel: 3 }));
    const live = connect('a');
    const cursor = publish('a', '1');
    const client = connect('a', cursor);
    for (let i = 2; i < 10; i++) publish('a', String(i));
    settle();
    expect(live.data).toHaveLength(9);
    expect(client.resets).toMatchObject([{ reason: 'evicted', lastEventId: cursor }]);
    expect(client.data).toEqual(['7', '8', '9']);
  });
});

describe('a log that answers later', () => {
  test('needs not be read for a subscriber whose position is in the window', async () => {
    const { hub, log, connect, settleLater } = createBench((clock) => later(memoryLog({ clock }), clock));
    const client = connect('a');
    client.reading = false;
    const answers = ['1', '2', '3'].map((data) => hub.publish({ channels: 'a', data }));
    await settleLater();
    await Promise.all(answers);
    log.read = () => Promise.reject(new Error('must not be read'));
    client.read();
    await settleLater();
    expect(client.data).toEqual(['1', '2', '3']);
  });

  test('is read once for all subscribers with the same channels and position', async () => {
    const { hub, log, connect, settleLater } = createBench((clock) => later(memoryLog({ clock }), clock), {
      windowBytes: 1,
    });
    const answers = ['1', '2', '3'].map((data) => hub.publish({ channels: 'a', data }));
    await settleLater();
    const [first] = await Promise.all(answers);
    let reads = 0;
    const read = log.read;
    log.read = (query) => {
      reads++;
      return read(query);
    };
    const clients = Array.from({ length: 20 }, () => connect('a', first));
    await settleLater();
    expect(clients.map((client) => client.data)).toEqual(Array(20).fill(['2', '3']));
    expect(reads).toBe(1);
  });

  test('is never asked for more pages at once than maxReads', async () => {
    const { hub, log, connect, settleLater } = createBench((clock) => later(memoryLog({ clock }), clock), {
      windowBytes: 1,
      maxReads: 4,
    });
    for (let i = 0; i < 20; i++) void hub.publish({ channels: `c${i}`, data: String(i) });
    await settleLater();
    let [now, most] = [0, 0];
    const read = log.read;
    log.read = async (query) => {
      most = Math.max(most, ++now);
      const page = await read(query);
      now--;
      return page;
    };
    const clients = Array.from({ length: 20 }, (_, i) => connect(`c${i}`, 'earliest'));
    await settleLater();
    expect(clients.map((client) => client.data)).toEqual(Array.from({ length: 20 }, (_, i) => [String(i)]));
    expect(most).toBe(4);
  });

  test('may fail for a while: subscribers stay connected, keep hearing from the server and catch up afterwards', async () => {
    const bench = createBench((clock) => later(memoryLog({ clock }), clock), { windowBytes: 1 });
    const { hub, log, connect, settleLater, clock, errors } = bench;
    const answers = ['1', '2'].map((data) => hub.publish({ channels: 'a', data }));
    await settleLater();
    const [first] = await Promise.all(answers);
    const read = log.read;
    log.read = () => Promise.reject(new Error('away'));
    const client = connect('a', first);
    await settleLater();
    expect([client.data, errors.length > 0]).toEqual([[], true]);
    clock.advance(15_000);
    expect(client.frames.filter(({ event }) => event === 'tinysse:position')).toHaveLength(2);
    log.read = read;
    clock.advance(1_000);
    await settleLater();
    expect([client.data, client.why]).toEqual([['2'], []]);
  });

  test('that was interrupted sends every live subscriber to read what passed unreported', async () => {
    const memory = memoryLog();
    const deaf = deafen(memory);
    const { hub, connect, settleLater } = createBench((clock) => later(deaf, clock));
    const client = connect('a');
    deaf.cut();
    // Another node publishes.
    for (const data of ['1', '2']) memory.append({ channels: [channelName('a')], event: undefined, data, size: 20 });
    await settleLater();
    expect(client.data).toEqual([]);
    deaf.restore(await memory.head());
    void hub.publish({ channels: 'a', data: '3' });
    await settleLater();
    expect([client.data, client.resets]).toEqual([['1', '2', '3'], []]);
  });

  test('that acknowledges an event and has not reported it is read, and a report that comes later changes nothing', async () => {
    const memory = memoryLog();
    const deaf = deafen(memory);
    const { hub, connect, settleLater } = createBench((clock) => later(deaf, clock));
    const client = connect('a');
    deaf.cut();
    await Promise.all([hub.publish({ channels: 'a', data: '1' }), settleLater()]);
    await settleLater();
    expect([client.data, client.resets]).toEqual([['1'], []]);
    deaf.restore(await memory.head());
    await settleLater();
    expect(client.data).toEqual(['1']);
  });
});
