import { expect, test, vi } from 'vitest';
import { createSSEClient, SSEError } from '../../src/client/index.js';
import { at, createSource, frame, position, watch } from './source.js';

test('it asks for an event stream, and sends the options on', async () => {
  const source = await createSource();
  const { client } = watch(`${source.url}?a=1`, { method: 'POST', body: 'hello', headers: { 'x-own': 'yes' } });
  client.connect();
  const { request } = await source.next();
  expect(request).toMatchObject({ method: 'POST', url: '/events?a=1' });
  expect(request.headers).toMatchObject({ accept: 'text/event-stream', 'x-own': 'yes', 'cache-control': 'no-cache' });
  expect(request.headers).not.toHaveProperty('last-event-id');
});

test('its state goes from closed over connecting to open, waiting, and closed', async () => {
  const source = await createSource();
  const { client, clock } = watch(source.url);
  const states: string[] = [client.state];
  client.onStateChange((state) => states.push(state));
  client.connect();
  client.connect();
  (await source.next()).open().end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  client.connect();
  (await source.next()).open();
  await vi.waitFor(() => expect(client.state).toBe('open'));
  client.connect();
  client.close();
  client.close();
  expect(states).toEqual(['closed', 'connecting', 'open', 'waiting', 'connecting', 'open', 'closed']);
  expect([source.count, clock.timers]).toEqual([2, 0]);
});

test('the cursor is kept over reconnects that show nothing', async () => {
  const source = await createSource();
  const { client, clock, log } = watch(source.url);
  client.connect();
  (await source.next()).open(position(0) + frame(1)).end();
  for (let n = 0; n < 3; n++) {
    await vi.waitFor(() => expect(client.state).toBe('waiting'));
    clock.advance(clock.nextIn()!);
    const connection = await source.next();
    expect(connection.request.headers['last-event-id']).toBe(at(1));
    connection.refuse(503);
  }
  await vi.waitFor(() => expect(log.slice(3)).toEqual(Array(3).fill('HTTP_STATUS retries')));
});

test('a cursor with wide characters is sent as UTF-8', async () => {
  const source = await createSource();
  const { client } = watch(source.url, { lastEventId: 'ü日😀' });
  client.connect();
  const header = (await source.next()).request.headers['last-event-id'] as string;
  expect(Buffer.from(header, 'latin1').toString()).toBe('ü日😀');
});

test('a page of another origin sends the cursor in the query, a page of the same in the header', async () => {
  const source = await createSource();
  vi.stubGlobal('location', new URL('http://other.test/page'));
  watch(`${source.url}?a=1`, { lastEventId: at(5) }).client.connect();
  const other = (await source.next()).request;
  expect(other.url).toBe(`/events?lastEventId=${at(5)}&a=1`);
  expect(other.headers).not.toHaveProperty('last-event-id');
  vi.stubGlobal('location', new URL(source.url));
  watch('/events', { lastEventId: at(5) }).client.connect();
  vi.unstubAllGlobals();
  const same = (await source.next()).request;
  expect(same).toMatchObject({ url: '/events', headers: { 'last-event-id': at(5) } });
});

test('redirects are followed', async () => {
  const [from, to] = [await createSource(), await createSource()];
  const { client, log } = watch(from.url);
  client.connect();
  (await from.next()).refuse(307, { location: to.url });
  (await to.next()).open(frame(1));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1']));
});

test('bytes of an attempt that is over are ignored, even where fetch does not heed its signal', async () => {
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  const fetch = async () =>
    new Response(new ReadableStream({ start: (controller) => void streams.push(controller) }), {
      headers: { 'content-type': 'text/event-stream' },
    });
  const { client, clock, log } = watch('http://unused.test/', { fetch, idleTimeoutMs: 1_000 });
  client.connect();
  await vi.waitFor(() => expect([client.state, clock.timers]).toEqual(['open', 1]));
  clock.advance(1_000);
  expect(client.state).toBe('waiting');
  clock.advance(1_000);
  await vi.waitFor(() => expect(client.state).toBe('open'));
  streams[0]!.enqueue(Buffer.from('data: late\n\n'));
  streams[1]!.enqueue(Buffer.from('data: a\n\n'));
  await vi.waitFor(() => expect(log).toEqual(['open', 'IDLE_TIMEOUT retries', 'open', 'a']));
});

test('an abort ends the client for good, with ABORTED', async () => {
  const source = await createSource();
  const controller = new AbortController();
  const { client, clock, log } = watch(source.url, { signal: controller.signal });
  const errors: SSEError[] = [];
  client.onError((error) => errors.push(error));
  client.connect();
  const connection = (await source.next()).open();
  await vi.waitFor(() => expect(client.state).toBe('open'));
  controller.abort('enough');
  await connection.gone;
  expect([client.state, clock.timers]).toEqual(['closed', 0]);
  client.connect();
  expect(client.state).toBe('closed');
  expect(log).toEqual(['open', 'ABORTED ends', 'ABORTED ends']);
  expect(errors[0]).toBeInstanceOf(SSEError);
  expect(errors[0]).toMatchObject({ cause: 'enough', willRetry: false });
});

test('an abort while it waits ends the wait', async () => {
  const source = await createSource();
  const controller = new AbortController();
  const { client, clock, log } = watch(source.url, { signal: controller.signal });
  client.connect();
  (await source.next()).open().end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  controller.abort();
  expect([client.state, clock.timers, log.at(-1)]).toEqual(['closed', 0, 'ABORTED ends']);
});

test.each([
  { endpoint: 'not a url' },
  { endpoint: '/relative/without/a/page' },
  { endpoint: 'http://a.test', retryInterval: 0 },
  { endpoint: 'http://a.test', maxRetryDelay: -1 },
  { endpoint: 'http://a.test', maxReconnectAttempts: Number.NaN },
  { endpoint: 'http://a.test', connectTimeoutMs: 'soon' as never },
])('%j is refused', (options) => {
  expect(() => createSSEClient(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

test('a fetch of the application gets what fetch takes, and none of the other options', async () => {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => new Response(null, { status: 204 }));
  const { client } = watch('http://unused.test/', { fetch, method: 'POST', body: 'b', credentials: 'include' });
  client.connect();
  await vi.waitFor(() => expect(client.state).toBe('closed'));
  expect(Object.keys(fetch.mock.calls[0]![1]).sort()).toEqual(
    ['body', 'cache', 'credentials', 'headers', 'method', 'redirect', 'signal'].sort(),
  );
});
