import { expect, test, vi } from 'vitest';
import type { SSEError } from '../../src/client/index.js';
import { type Connection, createSource, frame, watch } from './source.js';

async function post(answer: (connection: Connection) => void, options: Parameters<typeof watch>[1] = {}) {
  const source = await createSource();
  const watched = watch(source.url, { method: 'POST', body: 'question', ...options });
  const errors: SSEError[] = [];
  watched.client.onError((error) => errors.push(error));
  watched.client.connect();
  answer(await source.next());
  return { ...watched, source, errors };
}

test.each<[string, (connection: Connection) => void, object]>([
  ['whose stream ends', (connection) => connection.open(frame(1)).end(), {}],
  ['whose stream is cut', (connection) => connection.open(frame(1)).response.destroy(), { cause: expect.any(Error) }],
  ['that gets no answer', (connection) => connection.response.destroy(), { cause: expect.any(Error) }],
  ['that is answered 503', (connection) => connection.refuse(503), { status: 503 }],
])('a POST %s is not sent again: NOT_RESENT', async (_, answer, details) => {
  const { client, clock, errors, source } = await post(answer);
  await vi.waitFor(() => expect(client.state).toBe('closed'));
  expect(errors).toMatchObject([{ code: 'NOT_RESENT', willRetry: false, ...details }]);
  expect([clock.timers, source.count]).toEqual([0, 1]);
});

test('a POST that gets no answer in time is not sent again', async () => {
  const { client, clock, errors } = await post(() => {}, { connectTimeoutMs: 500 });
  clock.advance(500);
  expect([client.state, errors.map(({ code }) => code)]).toEqual(['closed', ['NOT_RESENT']]);
});

test('a loop over a POST gives what came, then throws', async () => {
  const source = await createSource();
  const { client } = watch(source.url, { method: 'POST', body: 'question' });
  const seen: string[] = [];
  const loop = (async () => {
    for await (const { data } of client) seen.push(data);
  })();
  (await source.next()).open(frame(1) + frame(2)).end();
  await expect(loop).rejects.toMatchObject({ code: 'NOT_RESENT' });
  expect(seen).toEqual(['m1', 'm2']);
});

test('errors that are final anyway keep their code', async () => {
  const { errors } = await post((connection) => connection.refuse(403));
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'HTTP_STATUS', status: 403 }]));
});

test('with resend it is sent again, body and all', async () => {
  const { client, clock, source } = await post((connection) => connection.open(frame(1)).end(), { resend: true });
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(1_000);
  const { request } = await source.next();
  let body = '';
  for await (const chunk of request) body += chunk;
  expect([request.method, body]).toEqual(['POST', 'question']);
});

test('a POST that is answered 401 is sent again with fresh headers: nothing has been done for it', async () => {
  const { clock, source, errors } = await post((connection) => connection.refuse(401), { headers: () => ({}) });
  await vi.waitFor(() => expect(errors).toMatchObject([{ status: 401, willRetry: true }]));
  clock.advance(0);
  (await source.next()).open().end();
  await vi.waitFor(() => expect(errors[1]).toMatchObject({ code: 'NOT_RESENT', willRetry: false }));
});

test.each(['GET', 'get', 'HEAD'])('a %s is sent again', async (method) => {
  const source = await createSource();
  const { client } = watch(source.url, { method });
  client.connect();
  (await source.next()).refuse(503);
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
});

test('connect() sends a POST again: the application asks for it', async () => {
  const { client, source } = await post((connection) => connection.open().end());
  await vi.waitFor(() => expect(client.state).toBe('closed'));
  client.connect();
  expect((await source.next()).request.method).toBe('POST');
});
