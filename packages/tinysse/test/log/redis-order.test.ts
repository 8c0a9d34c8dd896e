import { expect, test } from 'vitest';
import { describeWith } from '../programs.js';
import { openLog, openServer, RedisServer, Relay } from './redis-parts.js';

describeWith(['redis-server'], 'events sent together over a link that drops', () => {
  test('keep their order when what was refused is sent again: after the first refusal none is stored', async () => {
    const server = await RedisServer.start();
    const relay = await Relay.start(server.port);
    const limits = { maxEventsPerChannel: 100_000 };
    const sse = openServer(openLog(relay.port, limits));
    let cutAfter = 200;
    // Amid the calls that the events take, as soon as somebody else sees that one has been stored.
    await openLog(server.port, limits).watch({
      committed({ offset }) {
        if (offset < cutAfter) return;
        cutAfter = offset + 500;
        relay.cut();
        relay.restore();
      },
      interrupted: () => {},
    });
    const inputs = Array.from({ length: 5_000 }, (_, i) => ({ channels: 'a', data: 'x'.repeat(500), key: `${i}` }));
    const offsets: number[] = [];
    let refusals = 0;
    while (offsets.length < inputs.length) {
      const results = await sse.sendAll(inputs.slice(offsets.length));
      const first = results.findIndex(({ status }) => status === 'rejected');
      const stored = first < 0 ? results : results.slice(0, first);
      expect(results.slice(stored.length).filter(({ status }) => status === 'fulfilled')).toEqual([]);
      for (const result of stored) offsets.push(Number((result as { value: string }).value.split('-')[1]));
      if (first >= 0) refusals++;
    }
    expect(refusals).toBeGreaterThan(0);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(offsets).size).toBe(inputs.length);
  });
});
