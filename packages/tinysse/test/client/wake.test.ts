import { getEventListeners } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Connection, createSource, frame, position, watch } from './source.js';

/** A page, as far as a client looks at it. */
function createPage() {
  const page = new EventTarget();
  const document = { hidden: false };
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('document', document);
  onTestFinished(() => void vi.unstubAllGlobals());
  return {
    document,
    say: (type: string) => page.dispatchEvent(new Event(type)),
    get listeners() {
      return ['online', 'visibilitychange'].flatMap((type) => getEventListeners(page, type)).length;
    },
  };
}

test.each(['online', 'visibilitychange'])('a client that waits connects at once on %s', async (event) => {
  const page = createPage();
  const source = await createSource();
  const { client, clock, log } = watch(source.url);
  client.connect();
  (await source.next()).open(position(0) + frame(1)).end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  page.say(event);
  expect([client.state, clock.timers]).toEqual(['connecting', 1]);
  (await source.next()).open(frame(2));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1', 'NETWORK retries', 'open', 'm2']));
  expect(source.count).toBe(2);
});

test('a page that is hidden wakes nothing', async () => {
  const page = createPage();
  const source = await createSource();
  const { client, clock } = watch(source.url);
  client.connect();
  (await source.next()).refuse(503);
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  page.document.hidden = true;
  page.say('visibilitychange');
  expect([client.state, clock.nextIn()]).toEqual(['waiting', 1_000]);
});

test('a client that connects, is open or closed is not disturbed, and listens for nothing', async () => {
  const page = createPage();
  const source = await createSource();
  const { client } = watch(source.url);
  const disturb = () => {
    const { state } = client;
    page.say('online');
    page.say('visibilitychange');
    expect([client.state, page.listeners]).toEqual([state, 0]);
  };
  disturb();
  client.connect();
  disturb();
  const connection = (await source.next()).open();
  await vi.waitFor(() => expect(client.state).toBe('open'));
  disturb();
  connection.end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  expect(page.listeners).toBe(2);
  client.close();
  disturb();
  expect(source.count).toBe(1);
});

test.each([
  ['Retry-After', (connection: Connection) => connection.refuse(429, { 'retry-after': '60' }), 60_000],
  ['retry:', (connection: Connection) => connection.open('retry: 4000\n\n').end(), 4_000],
])('what a server asked for by %s outlives every wake-up', async (_, answer, ms) => {
  const page = createPage();
  const source = await createSource();
  const { client, clock } = watch(source.url);
  client.connect();
  answer(await source.next());
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(ms - 1_000);
  for (let n = 0; n < 20; n++) page.say(n % 2 ? 'online' : 'visibilitychange');
  expect([client.state, clock.nextIn(), source.count]).toEqual(['waiting', 1_000, 1]);
  clock.advance(1_000);
  expect(client.state).toBe('connecting');
});

test('a wake-up cuts a wait short to what the server asked for', async () => {
  const page = createPage();
  const source = await createSource();
  const { client, clock } = watch(source.url);
  client.connect();
  (await source.next()).open('retry: 2000\n\n').end();
  for (let n = 0; n < 3; n++) {
    await vi.waitFor(() => expect(client.state).toBe('waiting'));
    clock.advance(clock.nextIn()!);
    (await source.next()).refuse(500);
  }
  await vi.waitFor(() => expect([client.state, clock.nextIn()]).toEqual(['waiting', 16_000]));
  clock.advance(500);
  page.say('online');
  expect([client.state, clock.nextIn()]).toEqual(['waiting', 1_500]);
  clock.advance(1_500);
  expect(client.state).toBe('connecting');
});
