import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createFakeClock } from 'tinysse/testing';
import { expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { EventSource, type EventSourceErrorEvent, type EventSourceInit } from '../../src/client/eventsource.js';
import { createSource, frame } from './source.js';

/** A source of `url` with a clock of its own, and all that it dispatched, in order. */
function watch(url: string, init?: EventSourceInit) {
  const clock = createFakeClock();
  const source = new EventSource(url, init, clock, () => 1);
  const log: string[] = [];
  source.onopen = () => log.push(`open ${source.readyState}`);
  source.onmessage = ({ data }) => log.push(data);
  source.onerror = ({ error }) => log.push(`${error.code} ${source.readyState}`);
  onTestFinished(() => source.close());
  return { source, clock, log };
}

test('states are constants of the class and of its instances', () => {
  const source = new EventSource('http://127.0.0.1:1/');
  source.close();
  for (const target of [EventSource, EventSource.prototype, source])
    expect([target.CONNECTING, target.OPEN, target.CLOSED]).toEqual([0, 1, 2]);
  expect(() => Object.assign(source, { OPEN: 3 })).toThrow(TypeError);
  expect(() => Object.assign(source, { readyState: 3 })).toThrow(TypeError);
  expect(source).toBeInstanceOf(EventTarget);
});

test('its members are those of an interface: enumerable, and a tag', () => {
  const members = Object.getOwnPropertyDescriptors(EventSource.prototype);
  const enumerable = Object.keys(members).filter((name) => members[name as keyof typeof members]?.enumerable);
  const constants = ['CLOSED', 'CONNECTING', 'OPEN'];
  const handlers = ['onerror', 'onmessage', 'onopen'];
  expect(enumerable.sort()).toEqual([...constants, 'close', ...handlers, 'readyState', 'url', 'withCredentials']);
  expect([`${EventSource.prototype}`, EventSource.length]).toEqual(['[object EventSource]', 1]);
});

test('without an argument it is a TypeError; undefined is a URL like any other, and null an empty init', () => {
  vi.stubGlobal('location', { href: 'http://127.0.0.1:1/', origin: 'http://127.0.0.1:1' });
  onTestFinished(() => void vi.unstubAllGlobals());
  const Class = EventSource as new (...all: unknown[]) => EventSource;
  expect(() => new Class()).toThrow(TypeError);
  const source = new Class(undefined, null);
  source.close();
  expect(source.url).toBe('http://127.0.0.1:1/undefined');
});

test("it is of the DOM's type, and so is its class", () => {
  expectTypeOf<EventSource>().toExtend<globalThis.EventSource>();
  expectTypeOf<typeof EventSource>().toExtend<typeof globalThis.EventSource>();
});

test('where there is no fetch it ends, and says so', async () => {
  vi.stubGlobal('fetch', undefined);
  Reflect.deleteProperty(globalThis, 'fetch');
  onTestFinished(() => void vi.unstubAllGlobals());
  const { log, clock } = watch('http://127.0.0.1:1/');
  await vi.waitFor(() => expect(log).toEqual(['INVALID_OPTION 2']));
  expect(clock.timers).toBe(0);
});

test('what is no URL is a SyntaxError, and an instance tells its URL as resolved', () => {
  for (const url of ['http://this is invalid/', '/events', ''])
    expect(() => new EventSource(url)).toThrow(expect.objectContaining({ name: 'SyntaxError', code: 12 }));
  const source = new EventSource(new URL('HTTP://127.0.0.1:1/a/../b#c'), { withCredentials: true });
  expect(source).toMatchObject({ url: 'http://127.0.0.1:1/b#c', withCredentials: true, readyState: 0 });
  source.close();
  expect(source.readyState).toBe(2);
});

test('a relative URL is resolved from the page', () => {
  vi.stubGlobal('document', { baseURI: 'http://127.0.0.1:1/deep/page' });
  onTestFinished(() => void vi.unstubAllGlobals());
  const source = new EventSource('events');
  source.close();
  expect(source.url).toBe('http://127.0.0.1:1/deep/events');
});

test.each(['about:blank', 'data:text/event-stream,data:%20x%0A%0A', 'ftp://127.0.0.1/', 'mailto:a@b.c'])(
  '%s ends the source',
  async (url) => {
    const { source, log, clock } = watch(url);
    expect(source.readyState).toBe(0);
    await vi.waitFor(() => expect(log).toEqual(['INVALID_OPTION 2']));
    expect(clock.timers).toBe(0);
  },
);

test('events carry data, id, origin and name; handlers take turns with listeners', async () => {
  const server = await createSource();
  const { source } = watch(server.url);
  const heard: unknown[] = [];
  source.onmessage = () => heard.push('never');
  source.addEventListener('message', () => heard.push('listener'));
  source.onmessage = function (event) {
    heard.push(this, event);
  };
  source.addEventListener('update', ({ data, lastEventId }) => heard.push(data, lastEventId));
  const { origin } = new URL(server.url);
  (await server.next()).open('id: 7\ndata: a\n\nevent: update\ndata: b\n\n');
  await vi.waitFor(() => expect(heard).toHaveLength(5));
  expect(heard).toEqual([source, expect.any(MessageEvent), 'listener', 'b', '7']);
  expect(heard[1]).toMatchObject({
    type: 'message',
    data: 'a',
    lastEventId: '7',
    origin,
    bubbles: false,
    cancelable: false,
  });
  expectTypeOf(source.onmessage).parameter(0).toExtend<MessageEvent<string>>();
});

test('a handler that was set to what is no function is gone', async () => {
  const server = await createSource();
  const { source, log } = watch(server.url);
  source.onmessage = 'no function' as never;
  expect(source.onmessage).toBeNull();
  (await server.next()).open('data: a\n\nevent: last\ndata:\n\n');
  await new Promise<unknown>((resolve) => source.addEventListener('last', resolve));
  expect(log).toEqual(['open 1']);
});

test('a lost stream is opened again after 3 s, or what the server says, and goes on after the last id', async () => {
  const server = await createSource();
  const { clock, log } = watch(server.url);
  (await server.next()).open('id: grüße\ndata: a\n\nid: unfinished\n').end();
  await vi.waitFor(() => expect(log).toEqual(['open 1', 'a', 'NETWORK 0']));
  expect(clock.nextIn()).toBe(3_000);
  clock.advance(3_000);
  const second = await server.next();
  expect(Buffer.from(second.request.headers['last-event-id'] as string, 'latin1').toString()).toBe('grüße');
  second.open('retry: 0\nid\ndata: b\n\n').end();
  await vi.waitFor(() => expect(log.slice(3)).toEqual(['open 1', 'b', 'NETWORK 0']));
  expect(clock.nextIn()).toBe(100);
  clock.advance(100);
  const third = await server.next();
  expect(third.request.headers).not.toHaveProperty('last-event-id');
  third.open('retry: 9999999999\n\n').end();
  await vi.waitFor(() => expect(log.filter((line) => line === 'NETWORK 0')).toHaveLength(3));
  expect(clock.nextIn()).toBe(9_999_999_999);
});

test('waits double, up to 30 s, while attempts bring nothing', async () => {
  const clock = createFakeClock();
  const waits: unknown[] = [];
  const fetch = () => Promise.reject(new TypeError('no route'));
  const source = new EventSource('http://127.0.0.1:1/', { fetch }, clock, () => 1);
  onTestFinished(() => source.close());
  for (let i = 0; i < 6; i++) {
    await vi.waitFor(() => expect(clock.timers).toBe(1));
    waits.push(clock.nextIn());
    clock.advance(clock.nextIn()!);
  }
  expect(waits).toEqual([3_000, 6_000, 12_000, 24_000, 30_000, 30_000]);
});

test.each([204, 401, 404, 500, 503])('%i ends the source', async (status) => {
  const server = await createSource();
  const { clock, log, source } = watch(server.url);
  const error = new Promise<EventSourceErrorEvent>((resolve) => source.addEventListener('error', resolve));
  (await server.next()).refuse(status);
  expect((await error).error).toMatchObject({ code: 'HTTP_STATUS', status, willRetry: false });
  expect([log, clock.timers]).toEqual([['HTTP_STATUS 2'], 0]);
});

test('nothing is dispatched after close(), not even what has arrived already', async () => {
  const server = await createSource();
  const { source, log } = watch(server.url);
  source.addEventListener('message', () => source.close());
  const connection = (await server.next()).open('data: a\n\ndata: b\n\n');
  await connection.gone;
  expect(log).toEqual(['open 1', 'a']);
});

test('close() in an error listener cancels the reconnect', async () => {
  const server = await createSource();
  const { source, clock } = watch(server.url);
  const closed = new Promise<void>((resolve) => {
    source.onerror = () => resolve(source.close());
  });
  (await server.next()).open().end();
  await closed;
  expect([source.readyState, clock.timers]).toEqual([2, 0]);
});

test('headers are asked for before every request', async () => {
  const server = await createSource();
  let n = 0;
  const { clock } = watch(server.url, {
    headers: async () => ({ authorization: `Bearer ${++n}`, accept: 'text/html' }),
  });
  const first = await server.next();
  expect(first.request.headers).toMatchObject({ authorization: 'Bearer 1', accept: 'text/event-stream' });
  first.open().end();
  await vi.waitFor(() => expect(clock.timers).toBe(1));
  clock.advance(30_000);
  expect((await server.next()).request.headers.authorization).toBe('Bearer 2');
});

test.each([301, 302, 303, 307, 308])(
  'redirects (%i) are followed; own headers go along within the origin and never to another',
  async (status) => {
    const [home, abroad] = [await createSource(), await createSource('127.0.0.2')];
    const { source } = watch(home.url, { headers: { 'x-api-key': 'secret', authorization: 'Bearer secret' } });
    const heard = new Promise<MessageEvent>((resolve) => source.addEventListener('message', resolve));
    (await home.next()).refuse(status, { location: '/elsewhere' });
    const second = await home.next();
    expect(second.request).toMatchObject({ url: '/elsewhere', headers: { 'x-api-key': 'secret' } });
    second.refuse(status, { location: abroad.url });
    const third = await abroad.next();
    expect(third.request.headers).toMatchObject({ accept: 'text/event-stream' });
    expect(third.request.headers).not.toHaveProperty('x-api-key');
    expect(third.request.headers).not.toHaveProperty('authorization');
    third.refuse(status, { location: home.url });
    const fourth = await home.next();
    expect(fourth.request.headers).not.toHaveProperty('x-api-key');
    fourth.refuse(status, { location: abroad.url });
    (await abroad.next()).open(frame(1));
    expect((await heard).origin).toBe(new URL(abroad.url).origin);
    expect(source.url).toBe(home.url);
  },
);

test('redirects without end and to what is not HTTP lead nowhere', async () => {
  const server = await createSource();
  const { log } = watch(server.url, { headers: { 'x-api-key': 'secret' } });
  for (let i = 0; i < 21; i++) (await server.next()).refuse(302, { location: server.url });
  await vi.waitFor(() => expect(log).toEqual(['NETWORK 0']));
  const other = watch(server.url, { headers: { 'x-api-key': 'secret' } });
  (await server.next()).refuse(302, { location: 'data:text/event-stream,data:x%0A%0A' });
  await vi.waitFor(() => expect(other.log).toEqual(['INVALID_OPTION 2']));
});

test('a redirect without a place to go to ends the source', async () => {
  const server = await createSource();
  const { log } = watch(server.url, { headers: { 'x-api-key': 'secret' } });
  (await server.next()).refuse(302);
  await vi.waitFor(() => expect(log).toEqual(['HTTP_STATUS 2']));
});

test('credentials go everywhere when asked to', async () => {
  const asked: (RequestInit | undefined)[] = [];
  const fetch = async (_url: string, init: RequestInit) => {
    asked.push(init);
    return new Response(null, { status: 204 });
  };
  for (const withCredentials of [true, false]) watch('http://127.0.0.1:1/', { fetch, withCredentials });
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked.map((init) => init?.credentials)).toEqual(['include', undefined]);
  expect(asked[0]).toMatchObject({ cache: 'no-store', redirect: 'follow' });
});

test('a process stays alive while its source waits to reconnect, and ends by itself once it is closed', async () => {
  const server = await createSource();
  const entry = fileURLToPath(new URL('../../dist/client/eventsource.js', import.meta.url));
  const program = `
    import { EventSource } from '${entry}';
    const source = new EventSource('${server.url}');
    source.onmessage = ({ data }) => console.log(data) ?? (data === 'm2' && source.close());
  `;
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  (await server.next()).open(`retry: 1000\n${frame(1)}`).end();
  (await server.next()).open(frame(2));
  expect((await running).stdout).toBe('m1\nm2\n');
});
