import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../programs.js';
import { Client, openLog, openServer, RedisServer, Relay } from './redis-parts.js';

/** Asks again until the answer is as it should be. */
async function eventually<T>(ask: () => Promise<T>, is: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (is(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describeWith(['redis-server'], 'servers that share a redisLog', () => {
  test('count the subscribers of a channel together, and know its offset and floor', async () => {
    const { port } = await RedisServer.start();
    const limits = { maxEventsPerChannel: 1 };
    const [one, two] = [openServer(openLog(port, limits)), openServer(openLog(port, limits))];
    for (const [sse, ...channels] of [
      [one, 'a', 'b'],
      [two, 'a'],
      [two, 'c'],
    ] as const)
      await Client.open(sse, [...channels]);
    for (const data of ['1', '2']) await two.publish(data, 'a');
    for (const sse of [one, two])
      expect(
        await eventually(
          () => sse.channels(),
          (channels) => channels.length === 3,
        ),
      ).toEqual([
        { channel: 'a', subscribers: 2, offset: 2, floor: 1 },
        { channel: 'b', subscribers: 1, offset: 0, floor: 0 },
        { channel: 'c', subscribers: 1, offset: 0, floor: 0 },
      ]);
    expect(await one.stats({ channel: 'a' })).toEqual({ channel: 'a', subscribers: 2, offset: 2, floor: 1 });
    expect((await one.channels({ after: 'a', limit: 1 })).map(({ channel }) => channel)).toEqual(['b']);
    expect(await one.channels({ prefix: 'd' })).toEqual([]);
    await two.close({ drainMs: 1 });
    expect(
      await eventually(
        () => one.channels(),
        (channels) => channels.length === 2,
      ),
    ).toMatchObject([
      { channel: 'a', subscribers: 1 },
      { channel: 'b', subscribers: 1 },
    ]);
  });

  test('forget one that is gone without a word', { timeout: 30_000 }, async () => {
    const { port } = await RedisServer.start();
    const relay = await Relay.start(port);
    const [one, two] = [openServer(openLog(port)), openServer(openLog(relay.port))];
    await Client.open(two, ['a']);
    const subscribers = (expected: number) =>
      eventually(
        () => one.stats({ channel: 'a' }),
        (stats) => stats.subscribers === expected,
      );
    await subscribers(1);
    relay.cut();
    await subscribers(0);
  });

  test('end the streams of a channel at all of them, and those of no other channel', async () => {
    const { port } = await RedisServer.start();
    const servers = [openServer(openLog(port)), openServer(openLog(port)), openServer(openLog(port))];
    const ended: Promise<string>[] = [];
    for (const sse of servers) {
      const stream = await sse.respond(new Request('http://localhost/'), { channels: ['a', 'b'] });
      ended.push(stream.text());
      await Client.open(sse, ['b']);
    }
    await eventually(
      () => servers[0]!.stats({ channel: 'a' }),
      (stats) => stats.subscribers === 3,
    );
    expect(await servers[0]!.disconnect({ channel: 'a' })).toBe(1);
    for (const text of ended) expect(await text).toContain('tinysse:position');
    expect(
      await eventually(
        () => servers[0]!.stats({ channel: 'b' }),
        (stats) => stats.subscribers === 3,
      ),
    ).toMatchObject({ subscribers: 3 });
  });

  test('end them also where Redis was out of reach meanwhile, as soon as it is back', async () => {
    const { port } = await RedisServer.start();
    const relay = await Relay.start(port);
    const [one, two] = [openServer(openLog(port)), openServer(openLog(relay.port))];
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const stream = await two.respond(new Request('http://localhost/', { signal: abort.signal }), { channels: ['a'] });
    await eventually(
      () => one.stats({ channel: 'a' }),
      (stats) => stats.subscribers === 1,
    );
    relay.cut();
    expect(await one.disconnect({ channel: 'a' })).toBe(0);
    relay.restore();
    expect(await stream.text()).toContain('tinysse:position');
  });

  test('say when the others cannot be told', { timeout: 20_000 }, async () => {
    const redis = await RedisServer.start();
    const sse = openServer(openLog(redis.port));
    await sse.cursor();
    await redis.kill();
    await expect(sse.disconnect({ channel: 'a' })).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  });
});
