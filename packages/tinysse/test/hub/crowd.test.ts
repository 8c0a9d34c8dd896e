import { type Log, memoryLog } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { channelName } from '../../src/protocol/event.js';
import { createBench } from './bench.js';

describe('clients that come back all at once', () => {
  test.each([
    ['keep nothing from the live ones for long while they catch up', 4, 3],
    ['all take a step in one turn when that is quick', 0, 8],
  ])('%s', (_, writeMs, before) => {
    const { clock, connect, publish, settle } = createBench(undefined, { clientChannelBuffer: 1 });
    const live = connect('a');
    const start = live.frames[1]?.id;
    publish('a', '1');
    publish('a', '2');
    settle();
    let steps = 0;
    let seen = 0;
    for (let i = 0; i < 8; i++) {
      const client = connect('a', start);
      const write = client.write.bind(client);
      client.write = (piece) => {
        clock.advance(writeMs);
        // As the first of them takes its step, an event comes.
        if (++steps === 1) publish('a', '3');
        return write(piece);
      };
    }
    const write = live.write.bind(live);
    live.write = (piece) => {
      seen ||= steps;
      return write(piece);
    };
    settle();
    expect(live.data).toEqual(['1', '2', '3']);
    expect(seen).toBe(before);
  });

  test('keep nothing from the live ones for long when one answer of the log is for all of them', async () => {
    let log: ReturnType<typeof memoryLog> | undefined;
    const { clock, connect, publish, settleLater } = createBench((clock) => {
      log = memoryLog({ clock });
      log.append({ channels: [channelName('a')], event: undefined, data: '1', size: 20, key: undefined });
      return { ...log, inMemory: false, read: async (query) => (log as Log).read(query) };
    });
    const live = connect('a');
    const start = `${live.frames[1]?.id?.split('-')[0]}-0`;
    let steps = 0;
    let seen = 0;
    const clients = Array.from({ length: 8 }, () => {
      const client = connect('a', start);
      const write = client.write.bind(client);
      client.write = (piece) => {
        clock.advance(4);
        if (++steps === 1) publish('a', '2');
        return write(piece);
      };
      return client;
    });
    const write = live.write.bind(live);
    live.write = (piece) => {
      seen ||= steps;
      return write(piece);
    };
    await settleLater();
    await settleLater();
    expect(seen).toBe(3);
    for (const client of clients) expect(client.data).toEqual(['1', '2']);
  });
});
