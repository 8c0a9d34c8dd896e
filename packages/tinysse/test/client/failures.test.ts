import { expect, onTestFinished, test, vi } from 'vitest';
import type { SSEError } from '../../src/client/index.js';
import { at, createSource, frame, position, watch } from './source.js';

/** A client whose errors are kept. */
function watchErrors(...parameters: Parameters<typeof watch>) {
  const watched = watch(...parameters);
  const errors: SSEError[] = [];
  watched.client.onError((error) => errors.push(error));
  return { ...watched, errors };
}

test.each([400, 403, 404, 410])('a status %i ends it', async (status) => {
  const source = await createSource();
  const { client, clock, errors } = watchErrors(source.url);
  client.connect();
  (await source.next()).refuse(status);
  await vi.waitFor(() => expect(client.state).toBe('closed'));
  expect(errors).toMatchObject([{ code: 'HTTP_STATUS', status, attempt: 1, willRetry: false }]);
  expect(clock.timers).toBe(0);
});

test.each([408, 429, 500, 503])('a status %i is tried again', async (status) => {
  const source = await createSource();
  const { client, clock, errors } = watchErrors(source.url);
  client.connect();
  (await source.next()).refuse(status, { 'content-type': 'text/html' });
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'HTTP_STATUS', status, attempt: 1, willRetry: true }]));
  clock.advance(1_000);
  (await source.next()).refuse(status);
  await vi.waitFor(() => expect(errors[1]).toMatchObject({ attempt: 2, willRetry: true }));
  expect(clock.nextIn()).toBe(2_000);
});

test('a 204 ends it without an error', async () => {
  const source = await createSource();
  const { client, log, clock } = watch(source.url);
  client.connect();
  (await source.next()).refuse(204);
  await vi.waitFor(() => expect(client.state).toBe('closed'));
  expect([log, clock.timers]).toEqual([[], 0]);
});

test('another content type ends it', async () => {
  const source = await createSource();
  const { client, errors } = watchErrors(source.url);
  client.connect();
  (await source.next()).refuse(200, { 'content-type': 'text/event-streams' });
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'CONTENT_TYPE', status: 200, willRetry: false }]));
});

test('a content type may have parameters and capitals', async () => {
  const source = await createSource();
  const { client } = watch(source.url);
  client.connect();
  const { response } = await source.next();
  response.writeHead(200, { 'content-type': 'Text/Event-Stream ;charset=utf-8' }).flushHeaders();
  await vi.waitFor(() => expect(client.state).toBe('open'));
});

test('a 401 is tried again once, at once, with fresh headers', async () => {
  const source = await createSource();
  let token = 0;
  const { client, clock, errors } = watchErrors(source.url, {
    headers: async () => ({ authorization: `t${++token}` }),
  });
  client.connect();
  (await source.next()).refuse(401);
  await vi.waitFor(() => expect(errors).toMatchObject([{ status: 401, willRetry: true }]));
  clock.advance(0);
  const second = await source.next();
  expect(second.request.headers.authorization).toBe('t2');
  second.refuse(401);
  await vi.waitFor(() => expect(errors[1]).toMatchObject({ status: 401, willRetry: false }));
});

test('a 401 ends it where headers cannot change', async () => {
  const source = await createSource();
  const { client, errors } = watchErrors(source.url, { headers: { authorization: 'old' } });
  client.connect();
  (await source.next()).refuse(401);
  await vi.waitFor(() => expect(errors).toMatchObject([{ status: 401, willRetry: false }]));
});

test('headers() that fails is an attempt that fails', async () => {
  const cause = new Error('no token today');
  const { client, errors } = watchErrors('http://unused.test', { headers: () => Promise.reject(cause) });
  client.connect();
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'NETWORK', cause, willRetry: true }]));
});

test('an attempt that gets no answer in time is given up and tried again', async () => {
  const source = await createSource();
  const { client, clock, errors } = watchErrors(source.url, { connectTimeoutMs: 500 });
  client.connect();
  const { gone } = await source.next();
  clock.advance(500);
  await gone;
  expect(errors).toMatchObject([{ code: 'CONNECT_TIMEOUT', willRetry: true }]);
  clock.advance(1_000);
  (await source.next()).open();
  await vi.waitFor(() => expect(client.state).toBe('open'));
  expect(clock.timers).toBe(0);
});

test('without so much as one stable stream it gives up after so many reconnects', async () => {
  const source = await createSource();
  const { client, clock, errors } = watchErrors(source.url, { maxReconnectAttempts: 2 });
  client.connect();
  for (let n = 0; n < 3; n++) {
    (await source.next()).open().end();
    await vi.waitFor(() => expect(errors).toHaveLength(n + 1));
    clock.advance(clock.nextIn() ?? 0);
  }
  expect(errors.map(({ code, willRetry }) => [code, willRetry])).toEqual([
    ['NETWORK', true],
    ['NETWORK', true],
    ['ATTEMPTS_EXHAUSTED', false],
  ]);
  expect([client.state, source.count]).toEqual(['closed', 3]);
});

test('a stream that was open for 5 s starts the backoff over', async () => {
  const source = await createSource();
  const { client, clock, errors } = watchErrors(source.url);
  client.connect();
  for (let n = 0; n < 3; n++) {
    (await source.next()).refuse(503);
    await vi.waitFor(() => expect(errors).toHaveLength(n + 1));
    clock.advance(clock.nextIn() ?? 0);
  }
  const connection = (await source.next()).open();
  await vi.waitFor(() => expect(client.state).toBe('open'));
  clock.advance(5_000);
  connection.end();
  await vi.waitFor(() => expect(errors[3]).toMatchObject({ code: 'NETWORK', attempt: 1 }));
  expect(clock.nextIn()).toBe(1_000);
});

test('a server that ends every stream after a message is asked again after retryInterval, without end', async () => {
  const source = await createSource();
  const { client, clock, errors, log } = watchErrors(source.url, { maxReconnectAttempts: 2 });
  client.connect();
  for (let n = 1; n <= 6; n++) {
    (await source.next()).open(frame(n)).end();
    await vi.waitFor(() => expect(errors).toHaveLength(n));
    expect([errors.at(-1)!.attempt, clock.nextIn()]).toEqual([1, 1_000]);
    clock.advance(1_000);
  }
  expect(log.filter((what) => /^m/.test(what))).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6']);
});

test.each([
  ['retry: 5000', 5_000],
  ['retry: 500', 500],
  ['retry: 0', 100],
  ['retry: 9999999999', 300_000],
])('%s makes it wait %i ms', async (line, delay) => {
  const source = await createSource();
  const { client, clock } = watch(source.url, { retryInterval: 20 });
  client.connect();
  (await source.next()).open(`${line}\n\n`).end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  expect(clock.nextIn()).toBe(delay);
});

test.each([
  ['7', 7_000],
  ['0', 1_000],
  ['86400', 300_000],
  ['Thu, 01 Jan 2026 00:00:09 GMT', 9_000],
  ['soon', 500],
])('Retry-After: %s makes it wait %i ms', async (value, delay) => {
  const source = await createSource();
  const { client, clock } = watch(source.url, { retryInterval: 500 });
  client.connect();
  (await source.next()).refuse(503, { 'retry-after': value });
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  expect(clock.nextIn()).toBe(delay);
});

test('a silence of 2.5 announced heartbeats ends the connection, and any byte breaks the silence', async () => {
  const source = await createSource();
  const { client, clock, errors, log } = watchErrors(source.url);
  client.connect();
  const connection = (await source.next()).open(position(0, 1_000));
  await vi.waitFor(() => expect(clock.nextIn()).toBe(2_500));
  clock.advance(2_000);
  connection.write(':');
  await vi.waitFor(() => expect(clock.nextIn()).toBe(2_500));
  clock.advance(2_499);
  connection.write(`\n${frame(1)}`);
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1']));
  await vi.waitFor(() => expect(clock.nextIn()).toBe(2_500));
  clock.advance(2_500);
  await connection.gone;
  expect(errors).toMatchObject([{ code: 'IDLE_TIMEOUT', willRetry: true }]);
});

test('idleTimeoutMs goes before the heartbeat, and 0 turns the watch off', async () => {
  const source = await createSource();
  const own = watch(source.url, { idleTimeoutMs: 700 });
  own.client.connect();
  (await source.next()).open(position(0, 1_000));
  await vi.waitFor(() =>
    expect([own.client.lastEventId, own.clock.nextIn()]).toEqual([expect.stringMatching(/-0$/), 700]),
  );
  const off = watch(source.url, { idleTimeoutMs: 0 });
  off.client.connect();
  (await source.next()).open(position(0, 1_000) + frame(1));
  await vi.waitFor(() => expect(off.log).toEqual(['open', 'm1']));
  expect(off.clock.timers).toBe(0);
});

test('a line that is too long ends it', async () => {
  const source = await createSource();
  const { client, errors } = watchErrors(source.url);
  client.connect();
  (await source.next()).open('x'.repeat(2 ** 24 + 1));
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'LINE_TOO_LONG', willRetry: false }]), 10_000);
  expect(client.state).toBe('closed');
});

test.each(['fetch', 'TextDecoder'])('where there is no %s it ends, and says so', async (name) => {
  vi.stubGlobal(name, undefined);
  Reflect.deleteProperty(globalThis, name);
  onTestFinished(() => void vi.unstubAllGlobals());
  const fetch = async () => new Response('data: a\n\n', { headers: { 'content-type': 'text/event-stream' } });
  const { client, clock, errors } = watchErrors('http://127.0.0.1:1/', name === 'fetch' ? {} : { fetch });
  client.connect();
  await vi.waitFor(() => expect(client.state).toBe('closed'));
  expect(errors).toMatchObject([{ code: 'INVALID_OPTION', willRetry: false }]);
  expect(errors[0]!.message).toContain(name);
  expect(clock.timers).toBe(0);
});

test('a server that is not there is tried again', async () => {
  const { client, errors } = watchErrors('http://127.0.0.1:1/');
  client.connect();
  await vi.waitFor(() =>
    expect(errors).toMatchObject([{ code: 'NETWORK', willRetry: true, cause: expect.any(Error) }]),
  );
});

test.each([
  ['2.5 usual heartbeats', at(1), 37_500],
  ['any time, if the cursor is not one of tinysse', '17', undefined],
])('before a heartbeat is announced a silence may last %s', async (_, lastEventId, ms) => {
  const source = await createSource();
  const { client, clock } = watchErrors(source.url, { lastEventId });
  client.connect();
  const connection = (await source.next()).open('event: tinysse:posi');
  await vi.waitFor(() => expect([client.state, clock.nextIn()]).toEqual(['open', ms]));
  connection.write(`\n\n${position(1, 1_000)}`);
  await vi.waitFor(() => expect(clock.nextIn()).toBe(2_500));
});
