import { expect, test, vi } from 'vitest';
import { at, createSource, frame, position, watch } from './source.js';

const stream = (body: BodyInit | null) => new Response(body, { headers: { 'content-type': 'text/event-stream' } });

test('headers() that answers after close asks for nothing', async () => {
  const fetch = vi.fn(async () => stream('data: a\n\n'));
  let answer = (_: HeadersInit) => {};
  const headers = () => new Promise<HeadersInit>((resolve) => (answer = resolve));
  const { client, clock, log } = watch('http://unused.test/', { fetch, headers });
  client.connect();
  await Promise.resolve();
  client.close();
  answer({});
  await new Promise(setImmediate);
  expect([fetch.mock.calls.length, client.state, clock.timers, log]).toEqual([0, 'closed', 0, []]);
});

test('headers() that closes the client ends the attempt', async () => {
  const fetch = vi.fn(async () => stream('data: a\n\n'));
  const { client, clock } = watch('http://unused.test/', {
    fetch,
    headers() {
      client.close();
      return {};
    },
  });
  client.connect();
  await new Promise(setImmediate);
  expect([fetch.mock.calls.length, client.state, clock.timers]).toEqual([0, 'closed', 0]);
});

test('headers() that answers after the connect timeout does not send the attempt that is over', async () => {
  const answers: ((headers: HeadersInit) => void)[] = [];
  const fetch = vi.fn(async () => stream('data: a\n\n'));
  const headers = () => new Promise<HeadersInit>((resolve) => answers.push(resolve));
  const { client, clock } = watch('http://unused.test/', { fetch, headers, connectTimeoutMs: 500 });
  client.connect();
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  clock.advance(500);
  answers[0]!({});
  await new Promise(setImmediate);
  expect([fetch.mock.calls.length, client.state]).toEqual([0, 'waiting']);
});

test('a stream without a body is one that ended', async () => {
  const { client, log } = watch('http://unused.test/', { fetch: async () => stream(null) });
  client.connect();
  await vi.waitFor(() => expect(log).toEqual(['open', 'NETWORK retries']));
});

test('a listener that closes and connects again leaves one connection, which goes on after its message', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  client.on('message', ({ data }) => {
    if (data !== 'm2') return;
    client.close();
    client.connect();
  });
  client.connect();
  const first = (await source.next()).open(position(0) + frame(1) + frame(2) + frame(3));
  const second = await source.next();
  await first.gone;
  expect(second.request.headers['last-event-id']).toBe(at(2));
  second.open(position(2) + frame(3));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1', 'm2', 'open', 'm3']));
  expect([client.state, source.count]).toEqual(['open', 2]);
});

test.each(['connecting', 'open', 'waiting'] as const)(
  'a listener that closes on the state %s ends it',
  async (when) => {
    const source = await createSource();
    const { client, clock } = watch(source.url);
    const states: string[] = [];
    client.onStateChange((state) => {
      states.push(state);
      if (state === when) client.close();
    });
    client.connect();
    if (when !== 'connecting') (await source.next()).open('data: a\n\n').end();
    await vi.waitFor(() => expect(states.at(-1)).toBe('closed'));
    await new Promise(setImmediate);
    expect([client.state, states.slice(-2), clock.timers]).toEqual(['closed', [when, 'closed'], 0]);
  },
);

test('a loop that still takes its messages leaves the connection alone that was made after its own was closed', async () => {
  const source = await createSource();
  const { client } = watch(source.url);
  const loop = client[Symbol.asyncIterator]();
  const taken = loop.next();
  (await source.next()).open(position(0) + frame(1) + frame(2));
  await taken;
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(2)));
  client.close();
  client.connect();
  const second = (await source.next()).open(position(2));
  await vi.waitFor(() => expect(client.state).toBe('open'));
  expect([await loop.next(), await loop.next()]).toMatchObject([{ value: { data: 'm2' } }, { done: true }]);
  expect([client.state, client.lastEventId]).toEqual(['open', at(2)]);
  second.write(frame(3));
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(3)));
});

test('a redirect to another origin does not take the credentials along', async () => {
  const [from, to] = [await createSource(), await createSource()];
  const { client } = watch(from.url, { headers: { authorization: 'secret' } });
  client.connect();
  (await from.next()).refuse(307, { location: to.url });
  const { request } = await to.next();
  expect(request.headers).not.toHaveProperty('authorization');
});
