import { createClient } from 'redis';
import { redisLog } from 'tinysse/redis';
import { logSuite } from 'tinysse/testing';
import { afterAll, beforeAll, test } from 'vitest';
import { describeWith } from '../programs.js';
import { RedisServer } from './redis-parts.js';

describeWith(['redis-server'], 'redisLog keeps the contract of a log', () => {
  let server: RedisServer;
  let opened = 0;
  let stop: () => Promise<void> = async () => {};
  beforeAll(async () => {
    server = await RedisServer.start([], (undo) => (stop = undo));
  });
  afterAll(() => stop());
  for (const { name, run } of logSuite)
    test(name, () =>
      run((options) => {
        const client = createClient({ socket: { host: '127.0.0.1', port: server.port } });
        return redisLog({ ...options, client, prefix: `case-${opened++}` });
      }),
    );
});
