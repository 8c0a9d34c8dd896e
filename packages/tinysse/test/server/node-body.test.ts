import type { RequestListener } from 'node:http';
import type { SSEServer } from 'tinysse';
import { expect, test } from 'vitest';
import { later, start } from './parts.js';
import { RawClient } from './raw.js';

const body = 'x'.repeat(2 ** 20);

/** Posts a body that is larger than what any buffer takes, and hears the stream begin. */
async function post(port: number): Promise<RawClient> {
  const client = new RawClient(port).send(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await client.got('tinysse:position');
  return client;
}

/** Waits until no stream is left. The heartbeat, which would notice as well, is too slow for a test's time. */
async function left(sse: SSEServer): Promise<void> {
  while ((await sse.stats()).subscribers > 0) await new Promise(setImmediate);
}

const serving = (listener: (sse: SSEServer) => RequestListener) => start({ heartbeatMs: 600_000 }, listener);

test.each([
  ['closes its connection', (client: RawClient) => client.socket.destroy()],
  ['ends its half of it', (client: RawClient) => client.socket.end()],
])('a client whose POST body nobody reads is let go when it %s', async (_, leave) => {
  const { sse, port } = await serving((sse) => sse.handler);
  leave(await post(port));
  await left(sse);
});

test('a client whose POST body nobody reads is let go after a source has ended', async () => {
  const { sse, port } = await serving(
    (sse) => (req, res) => void sse.serve(req, res, { channels: ['all'], source: [{ data: 'snapshot' }] }),
  );
  const client = await post(port);
  await client.got('data: snapshot');
  client.socket.destroy();
  await left(sse);
});

test('a source may read the POST body, however late', async () => {
  const begin = later();
  const { port } = await serving((sse) => (req, res) => {
    async function* source() {
      yield { data: 'begun' };
      await begin.promise;
      let bytes = 0;
      for await (const chunk of req) bytes += chunk.length;
      yield { data: `${bytes} bytes` };
    }
    void sse.serve(req, res, { source: source() });
  });
  const client = await post(port);
  await client.got('data: begun');
  begin.resolve();
  await client.got(`data: ${body.length} bytes`);
});

test('a route may read the POST body once its stream has begun', async () => {
  const read = later<number>();
  const { port } = await serving((sse) => async (req, res) => {
    await sse.serve(req, res, { channels: ['all'] });
    let bytes = 0;
    for await (const chunk of req) bytes += chunk.length;
    read.resolve(bytes);
  });
  await post(port);
  expect(await read.promise).toBe(body.length);
});
