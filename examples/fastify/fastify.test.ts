import cors from '@fastify/cors';
import fastify from 'fastify';
import { createSSEServer } from 'tinysse';
import { expect, onTestFinished, test } from 'vitest';

const PAGE = 'https://app.example';

test.each([
  ['a stream', ['all'], 200],
  ['a refusal', [], 400],
])('behind Fastify, %s keeps the headers that plugins have set on the reply', async (_, channels, status) => {
  const sse = createSSEServer({ channelProvider: { resolveChannels: () => channels } });
  const app = fastify();
  await app.register(cors, { origin: PAGE });
  app.get('/', (request, reply) => {
    reply.header('x-mine', 1).header('set-cookie', ['a=1', 'b=2']).header('content-type', 'text/plain').hijack();
    sse.handler(request.raw, reply.raw);
  });
  const url = await app.listen({ port: 0 });
  const leave = new AbortController();
  onTestFinished(async () => {
    leave.abort();
    await app.close();
  });
  const { headers, ...answer } = await fetch(url, { headers: { origin: PAGE }, signal: leave.signal }).then(
    (response) => ({
      status: response.status,
      headers: response.headers,
    }),
  );
  expect([answer.status, headers.get('access-control-allow-origin'), headers.get('x-mine')]).toEqual([
    status,
    PAGE,
    '1',
  ]);
  expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(headers.get('content-type')).toBe(status === 200 ? 'text/event-stream' : 'text/plain; charset=utf-8');
});
