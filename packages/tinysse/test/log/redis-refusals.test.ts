import type { SSEError } from 'tinysse';
import { redisLog } from 'tinysse/redis';
import { expect, test } from 'vitest';
import { describeWith } from '../programs.js';
import { eventOf } from './log-parts.js';
import { openLog, openServer, RedisServer, Relay } from './redis-parts.js';

describeWith(['redis-server'], 'when Redis', () => {
  test('may evict keys by itself, it is refused with the remedy', async () => {
    const server = await RedisServer.start(['--maxmemory-policy', 'allkeys-lru']);
    const sse = openServer(openLog(server.port));
    const refusal = {
      code: 'LOG_UNAVAILABLE',
      outcome: 'rejected',
      message: expect.stringContaining('CONFIG SET maxmemory-policy noeviction'),
    };
    await expect(sse.publish('x', 'a')).rejects.toMatchObject(refusal);
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await sse.publish('x', 'a');
  });

  test('may evict keys after a failover, it is refused until that is mended', async () => {
    const server = await RedisServer.start();
    const relay = await Relay.start(server.port);
    const log = openLog(relay.port);
    const sse = openServer(log);
    await sse.publish('x', 'a');
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    relay.cut();
    relay.restore();
    const outcome = (): Promise<string> =>
      sse.publish('y', 'a').then(
        () => 'stored',
        (error: SSEError) => error.message,
      );
    await expect.poll(outcome, { timeout: 10_000 }).toContain('volatile-lru');
    await server.run('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await expect.poll(outcome, { timeout: 10_000 }).toBe('stored');
  });

  test('has no memory left, publishes are rejected with LOG_FULL and leave nothing behind', async () => {
    const server = await RedisServer.start();
    const log = openLog(server.port);
    const sse = openServer(log);
    await sse.publish('x', 'a');
    await server.run('CONFIG', 'SET', 'maxmemory', '1');
    await expect(sse.publish('y', 'a', 'b')).rejects.toMatchObject({ code: 'LOG_FULL', outcome: 'rejected' });
    await server.run('CONFIG', 'SET', 'maxmemory', '0');
    const id = await sse.publish('z', 'a');
    expect(id).toMatch(/-2$/);
    const query = { channels: eventOf('a', '').channels, after: 0, upTo: 9, maxEvents: 9, maxBytes: 2 ** 20 };
    expect((await log.read(query)).entries.map(({ data }) => data)).toEqual(['x', 'z']);
  });

  test('holds a log of another format, it is left alone', async () => {
    const server = await RedisServer.start();
    await server.run('HSET', '{tinysse}:meta', 'format', '2', 'epoch', 'x');
    await expect(openServer(openLog(server.port)).publish('x', 'a')).rejects.toMatchObject({
      code: 'LOG_FORMAT',
      outcome: 'rejected',
    });
    expect(await server.run('KEYS', '*')).toEqual(['{tinysse}:meta']);
  });
});

test('a client of ioredis is refused when it is handed over, with what to use instead', () => {
  const ioredis = { status: 'wait', duplicate: () => ioredis, connect: async () => {}, sendCommand: async () => {} };
  const message = /ioredis.*createClient.*`redis` package/;
  for (const client of [ioredis, {}, undefined])
    expect(() => redisLog({ client: client as never })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        ...(client === ioredis && { message: expect.stringMatching(message) }),
      }),
    );
});
