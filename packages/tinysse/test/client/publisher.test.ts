import { expect, test } from 'vitest';
import { createHubPublisher } from '../../src/client/publisher.js';
import { createHub, ids, setUp } from './publisher-hub.js';

test('what one turn publishes is one request, and what comes while it is under way is the next', async () => {
  const { hub, publisher } = await setUp({ token: 'secret' });
  const first = [publisher.publish('a', 'x'), publisher.publishEvent('new', new TextEncoder().encode('b'), 'x', 'y')];
  const request = await hub.next();
  expect(request.headers).toMatchObject({ authorization: 'Bearer secret', 'content-type': 'application/x-ndjson' });
  expect(request.url).toBe('/publish');
  expect(request.lines).toMatchObject([
    { channels: ['x'], data: 'a' },
    { channels: ['x', 'y'], event: 'new', data: 'b' },
  ]);
  const second = [publisher.send({ channels: 'x', data: 'c', key: 'mine' }), publisher.publish('d', 'x')];
  expect(publisher.pending).toBe(4);
  request.answer(ids(request));
  expect(await Promise.all(first)).toEqual(['e-1', 'e-2']);
  const next = await hub.next();
  expect(next.lines.map(({ data }) => data)).toEqual(['c', 'd']);
  expect(next.lines[0]?.key).toBe('mine');
  next.answer(ids(next, 3));
  expect(await Promise.all(second)).toEqual(['e-3', 'e-4']);
  expect(publisher.pending).toBe(0);
});

test('a request whose answer was lost is sent again with the same keys', async () => {
  const retries: string[] = [];
  const { hub, publisher } = await setUp({
    onRetry: ({ code, cause }) => retries.push(`${code} ${cause !== undefined}`),
  });
  const answers = [publisher.publish('a', 'x'), publisher.publish('b', 'x')];
  const lost = await hub.next();
  lost.cut();
  const again = await hub.next();
  expect(again.lines).toEqual(lost.lines);
  expect(new Set(again.lines.map(({ key }) => key)).size).toBe(2);
  again.answer(ids(again));
  expect(await Promise.all(answers)).toEqual(['e-1', 'e-2']);
  expect(retries).toEqual(['NETWORK true']);
});

test('only what may pass later is tried again, before what came after it', async () => {
  const { hub, publisher, logged } = await setUp();
  const answers = ['a', 'b', 'c', 'd'].map((data) => publisher.publish(data, 'x'));
  const request = await hub.next();
  const late = publisher.publish('e', 'x');
  const outage = { error: { code: 'LOG_UNAVAILABLE', message: 'the disk is gone' } };
  request.answer([{ id: 'e-1' }, { error: { code: 'KEY_REUSED', message: 'no' } }, outage, outage]);
  await expect(answers[1]).rejects.toMatchObject({ code: 'KEY_REUSED', outcome: 'rejected' });
  const again = await hub.next();
  expect(again.lines.map(({ data }) => data)).toEqual(['c', 'd', 'e']);
  again.answer(ids(again, 2));
  expect(await Promise.all([answers[0], answers[2], answers[3], late])).toEqual(['e-1', 'e-2', 'e-3', 'e-4']);
  expect(logged).toMatchObject([{ code: 'KEY_REUSED' }]);
});

test('what is refused after a try whose answer was lost may be in the log', async () => {
  const { hub, publisher } = await setUp();
  const answers = [publisher.publish('a', 'x'), publisher.publish('b', 'x')];
  (await hub.next()).cut();
  const again = await hub.next();
  again.answer([{ error: { code: 'LOG_FULL', message: 'no room' } }, { id: 'e-2' }]);
  await expect(answers[0]).rejects.toMatchObject({ code: 'LOG_FULL', outcome: 'unknown' });
  expect(await answers[1]).toBe('e-2');
  const only = publisher.publish('c', 'x');
  (await hub.next()).answer([{ error: { code: 'LOG_FULL', message: 'no room' } }]);
  await expect(only).rejects.toMatchObject({ code: 'LOG_FULL', outcome: 'rejected' });
});

test('lines that an answer leaves out are sent again', async () => {
  const { hub, publisher } = await setUp();
  const answers = [publisher.publish('a', 'x'), publisher.publish('b', 'x')];
  (await hub.next()).answer([{ id: 'e-1' }]);
  const again = await hub.next();
  expect(again.lines.map(({ data }) => data)).toEqual(['b']);
  again.answer([{ id: 'e-2' }]);
  expect(await Promise.all(answers)).toEqual(['e-1', 'e-2']);
});

test('a hub that does not answer is given up, and so is one that cannot be reached or is none', async () => {
  const { publisher: ignored } = await setUp({ retryForMs: 1, answerTimeoutMs: 20 });
  await expect(ignored.publish('a', 'x')).rejects.toMatchObject({
    code: 'NETWORK',
    cause: new Error('no answer for 20 ms'),
  });
  const { publisher: alone } = await setUp({ url: 'http://127.0.0.1:1', retryForMs: 1 });
  await expect(alone.publish('a', 'x')).rejects.toMatchObject({ code: 'NETWORK', outcome: 'unknown' });
  const { publisher: lost } = await setUp({ fetch: async () => new Response('<html>') });
  await expect(lost.publish('a', 'x')).rejects.toMatchObject({ code: 'CONTENT_TYPE', outcome: 'unknown' });
});

test('a token is asked for before every request', async () => {
  let asked = 0;
  const { hub, publisher } = await setUp({ token: async () => `t${++asked}` });
  for (const token of ['t1', 't2']) {
    const answer = publisher.publish('a', 'x');
    const request = await hub.next();
    expect(request.headers.authorization).toBe(`Bearer ${token}`);
    request.answer(ids(request));
    await answer;
  }
  const { publisher: locked } = await setUp({ token: () => Promise.reject(new Error('signed out')) });
  await expect(locked.publish('a', 'x')).rejects.toMatchObject({ code: 'UNAUTHORIZED', outcome: 'rejected' });
});

test('what waits is bounded, and what makes no sense is refused at once', async () => {
  const { publisher } = await setUp({ maxPending: 2, fetch: () => new Promise(() => {}) });
  void publisher.publish('a', 'x');
  void publisher.publish('b', 'x');
  await expect(publisher.publish('c', 'x')).rejects.toMatchObject({ code: 'LOG_BUSY', outcome: 'rejected' });
  const { publisher: small } = await setUp({ maxPendingBytes: 200, fetch: () => new Promise(() => {}) });
  await expect(small.publish('x'.repeat(200), 'x')).rejects.toMatchObject({ code: 'LOG_BUSY' });
  await expect(small.publish('x'.repeat(2 ** 23), 'x')).rejects.toMatchObject({ code: 'EVENT_TOO_LARGE' });
  await expect(small.publish(Uint8Array.of(255), 'x')).rejects.toMatchObject({ code: 'INVALID_DATA' });
});

test('events that are sent together share a request, and each is told what became of it', async () => {
  const { hub, publisher } = await setUp();
  const answers = publisher.sendAll(['a', 'b', 'c'].map((data) => ({ channels: 'x', data })));
  (await hub.next()).answer([{ id: 'e-1' }, { error: { code: 'FORBIDDEN', message: 'no' } }, { id: 'e-2' }]);
  expect(await answers).toMatchObject([{ value: 'e-1' }, { reason: { code: 'FORBIDDEN' } }, { value: 'e-2' }]);
});

test('requests have at most 10,000 lines', async () => {
  const { hub, publisher } = await setUp({ maxPending: 20_000 });
  const answers = Array.from({ length: 10_001 }, (_, i) => publisher.publish(`${i}`, 'x'));
  for (const length of [10_000, 1]) {
    const request = await hub.next();
    expect(request.lines).toHaveLength(length);
    request.answer(ids(request));
  }
  await Promise.all(answers);
});

test('close waits for the answers and takes no more', async () => {
  const { hub, publisher } = await setUp();
  const answer = publisher.publish('a', 'x');
  const closed = publisher.close();
  await expect(publisher.publish('b', 'x')).rejects.toMatchObject({ code: 'ABORTED', outcome: 'rejected' });
  const request = await hub.next();
  request.answer(ids(request));
  await closed;
  expect(publisher.pending).toBe(0);
  expect(await answer).toBe('e-1');
  await (await setUp()).publisher.close();
});

test.each([{ url: 'hub' }, { url: 'http://h', maxPending: 0 }, { url: 'http://h', retryForMs: Number.NaN }])(
  'refuses options that make no sense: %j',
  (options) => {
    expect(() => createHubPublisher(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  },
);

test('finds the hub below a path', async () => {
  const hub = await createHub();
  for (const url of [`${hub.url}/below`, new URL(`${hub.url}/below/`)]) {
    const publisher = createHubPublisher({ url });
    const answer = publisher.publish('a', 'x');
    const request = await hub.next();
    expect(request.url).toBe('/below/publish');
    request.answer(ids(request));
    await answer;
  }
});
