import { expect, test, vi } from 'vitest';
import { at, createSource, frame, position, watch } from './source.js';

/** A sessionStorage. */
function createStorage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}

test('a client goes on where the one before it stopped, URL by URL', async () => {
  const source = await createSource();
  const storage = createStorage();
  const first = watch(`${source.url}?channel=a`, { storage });
  first.client.connect();
  (await source.next()).open(position(0) + frame(1));
  await vi.waitFor(() => expect(first.log).toEqual(['open', 'm1']));
  first.client.close();
  watch(`${source.url}?channel=a`, { storage }).client.connect();
  expect((await source.next()).request.headers['last-event-id']).toBe(at(1));
  watch(`${source.url}?channel=b`, { storage }).client.connect();
  expect((await source.next()).request.headers).not.toHaveProperty('last-event-id');
  watch(`${source.url}?channel=a`, { storage, lastEventId: at(9) }).client.connect();
  expect((await source.next()).request.headers['last-event-id']).toBe(at(9));
  expect([...storage.items.keys()]).toEqual([`tinysse:${source.url}?channel=a`]);
});

test('the cursor is written after the listeners have returned', async () => {
  const source = await createSource();
  const storage = createStorage();
  const { client } = watch(source.url, { storage });
  const stored: (string | undefined)[] = [];
  client.onMessage(() => stored.push([...storage.items.values()][0]));
  client.connect();
  (await source.next()).open(frame(1) + frame(2));
  await vi.waitFor(() => expect(stored).toEqual([undefined, at(1)]));
  await vi.waitFor(() => expect([...storage.items.values()]).toEqual([at(2)]));
});

test('of a loop, the cursor is written when it asks for the next message', async () => {
  const source = await createSource();
  const storage = createStorage();
  const stored = () => [...storage.items.values()][0];
  const { client, log } = watch(source.url, { storage });
  const loop = client[Symbol.asyncIterator]();
  const first = loop.next();
  (await source.next()).open(position(0) + frame(1) + frame(2) + position(5));
  expect((await first).value).toMatchObject({ data: 'm1' });
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(5)));
  expect([log, stored()]).toEqual([['open', 'm1', 'm2'], at(0)]);
  await loop.next();
  expect(stored()).toBe(at(1));
  await loop.return();
  expect([stored(), client.lastEventId]).toEqual([at(1), at(2)]);
});

test('a storage that refuses to write does not stop the stream', async () => {
  const source = await createSource();
  const logger = vi.fn();
  const full = new Error('quota');
  const storage = {
    getItem: () => null,
    setItem() {
      throw full;
    },
  };
  const { client, log } = watch(source.url, { storage, logger });
  client.connect();
  (await source.next()).open(frame(1) + frame(2));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1', 'm2']));
  expect(logger).toHaveBeenCalledWith(expect.any(String), full);
});
