import { expect, onTestFinished, test, vi } from 'vitest';
import { at, createSource, frame, position, watch } from './source.js';

const OWN = { 'x-api-key': 'secret', authorization: 'Bearer secret', cookie: 'sid=1' };

test.each([301, 302, 303, 307, 308])(
  'a redirect (%i) takes headers and cursor along within the origin, and to no other',
  async (status) => {
    const [home, abroad] = [await createSource(), await createSource('127.0.0.2')];
    const { client, log } = watch(home.url, { headers: OWN, lastEventId: at(3) });
    client.connect();
    (await home.next()).refuse(status, { location: '/elsewhere' });
    const second = await home.next();
    expect(second.request).toMatchObject({ url: '/elsewhere', headers: { ...OWN, 'last-event-id': at(3) } });
    second.refuse(status, { location: abroad.url });
    const third = await abroad.next();
    expect(third.request.headers.accept).toBe('text/event-stream');
    for (const name of [...Object.keys(OWN), 'last-event-id']) expect(third.request.headers).not.toHaveProperty(name);
    third.refuse(status, { location: home.url });
    const fourth = await home.next();
    for (const name of Object.keys(OWN)) expect(fourth.request.headers).not.toHaveProperty(name);
    fourth.open(position(3) + frame(4));
    await vi.waitFor(() => expect(log).toEqual(['open', 'm4']));
  },
);

test('a server that was not told the cursor, and begins after it, is a gap; one that begins before it is none', async () => {
  const [home, abroad] = [await createSource(), await createSource('127.0.0.2')];
  const { client, log, clock } = watch(home.url, { lastEventId: at(3) });
  const resets: unknown[] = [];
  client.onReset((reset) => resets.push(reset));
  client.connect();
  (await home.next()).refuse(307, { location: abroad.url });
  (await abroad.next()).open(position(7) + frame(8)).end();
  await vi.waitFor(() => expect(log).toEqual(['open', 'reset unknown', 'm8', 'NETWORK retries']));
  expect(resets).toEqual([{ reason: 'unknown', lastEventId: at(3), resumedAt: at(7) }]);
  clock.advance(1_000);
  (await home.next()).open(position(2) + frame(4) + frame(8) + frame(9));
  await vi.waitFor(() => expect(log.slice(4)).toEqual(['open', 'm9']));
});

test.each([307, 308])('a body is not sent on to another origin (%i): the redirect is the answer', async (status) => {
  const [home, abroad] = [await createSource(), await createSource('127.0.0.2')];
  const { client, log } = watch(home.url, { method: 'POST', body: 'question' });
  client.connect();
  (await home.next()).refuse(status, { location: '/elsewhere' });
  const second = await home.next();
  expect(second.request).toMatchObject({ method: 'POST', url: '/elsewhere', headers: { 'content-length': '8' } });
  second.refuse(status, { location: abroad.url });
  await vi.waitFor(() => expect(log).toEqual(['HTTP_STATUS ends']));
  expect(abroad.count).toBe(0);
});

test.each([301, 302, 303])('after a %i a POST goes on as a GET without its body', async (status) => {
  const [home, abroad] = [await createSource(), await createSource('127.0.0.2')];
  const { client, log } = watch(home.url, { method: 'POST', body: 'question', headers: { 'content-type': 'text/x' } });
  client.connect();
  (await home.next()).refuse(status, { location: abroad.url });
  const second = await abroad.next();
  expect(second.request).toMatchObject({ method: 'GET', headers: { accept: 'text/event-stream' } });
  for (const name of ['content-length', 'content-type']) expect(second.request.headers).not.toHaveProperty(name);
  second.open(frame(1));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1']));
});

test.each(['data:text/event-stream,data:x%0A%0A', 'http://user:secret@127.0.0.1:1/'])(
  'a redirect to %s ends it',
  async (location) => {
    const source = await createSource();
    const { client, log } = watch(source.url, { headers: OWN });
    client.connect();
    (await source.next()).refuse(302, { location });
    await vi.waitFor(() => expect(log).toEqual(['INVALID_OPTION ends']));
  },
);

test.each(['localhost:8080/events', 'ws://127.0.0.1/', 'http://user:secret@127.0.0.1:1/', 'data:text/event-stream,x'])(
  'the endpoint %s ends it at once, and its password is told to nobody',
  async (endpoint) => {
    const logger = vi.fn();
    const { client, log, clock } = watch(endpoint, { logger });
    client.connect();
    await vi.waitFor(() => expect(log).toEqual(['INVALID_OPTION ends']));
    expect([client.state, clock.timers]).toEqual(['closed', 0]);
    expect(String(logger.mock.calls[0]![1].stack)).not.toContain('secret');
  },
);

test('an endpoint that is no URL is refused, and its password is told to nobody', () => {
  expect(() => watch('http://user:secret@')).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: 'endpoint is not valid' }),
  );
});

test('a fetch whose body is no stream ends it', async () => {
  const headers = new Headers({ 'content-type': 'text/event-stream' });
  const fetch = async () => ({ status: 200, headers, body: undefined }) as unknown as Response;
  const { client, log } = watch('http://unused.test/', { fetch });
  client.connect();
  await vi.waitFor(() => expect(log).toEqual(['INVALID_OPTION ends']));
});

test('the query of a URL to another origin stays as it is written', async () => {
  const source = await createSource();
  vi.stubGlobal('location', new URL('http://other.test/page'));
  onTestFinished(() => void vi.unstubAllGlobals());
  const { client } = watch(`${source.url}?name=a%20b+c&sig=%2f!'()*~`, { lastEventId: 'é &1' });
  client.connect();
  const { url } = (await source.next()).request;
  expect(url).toBe('/events?lastEventId=%C3%A9%20%261&name=a%20b+c&sig=%2f!%27()*~');
  expect(new URL(url!, source.url).searchParams.get('lastEventId')).toBe('é &1');
});
