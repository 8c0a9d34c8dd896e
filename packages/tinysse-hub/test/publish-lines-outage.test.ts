import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSSEServer, type Log, memoryLog, SSEError } from 'tinysse';
import { expect, onTestFinished, test } from 'vitest';
import { openToAll } from '../src/auth/auth.js';
import { publishRoute } from '../src/routes/publish.js';
import { post } from './http.js';

test('what follows a failure of the log is not tried, and answered with its error', async () => {
  const memory = memoryLog();
  let appended = 0;
  const log: Log = {
    ...memory,
    append(event) {
      appended++;
      if (event.data === '500') throw new SSEError('LOG_UNAVAILABLE', 'the disk is gone');
      return memory.append(event);
    },
  };
  const route = publishRoute(createSSEServer({ log, logger: () => {} }), openToAll, {
    eventBytes: 2 ** 20,
    channelsPerEvent: 1_024,
    addressOf: () => '',
  });
  const server = createServer((req, res) => void route(req, res, '')).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const body = Array.from({ length: 3_000 }, (_, i) => `${JSON.stringify({ channels: ['a'], data: `${i}` })}\n`).join(
    '',
  );
  const { text } = await post(`http://127.0.0.1:${port}/publish`, body, { 'content-type': 'application/x-ndjson' });
  const answers = text.trimEnd().split('\n');
  expect(answers).toHaveLength(3_000);
  expect(appended).toBe(501);
  expect(answers.map((line) => line.includes('"id"')).lastIndexOf(true)).toBe(499);
  expect(new Set([answers[500], ...answers.slice(501)])).toEqual(
    new Set(['{"error":{"code":"LOG_UNAVAILABLE","message":"the disk is gone"}}']),
  );
});
