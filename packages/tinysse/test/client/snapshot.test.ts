import { expect, test, vi } from 'vitest';
import { at, createSource, frame, position, watch } from './source.js';

const begin = (reason = 'start') => `event: tinysse:snapshot\ndata: {"reason":"${reason}"}\n\n`;
const plain = (...data: string[]) => data.map((line) => `data: ${line}\n\n`).join('');
const reset = 'event: tinysse:reset\ndata: {"reason":"evicted","lastEventId":"x","resumedAt":"y"}\n\n';

/** A client whose log has its snapshots too. */
function watchSnapshots(...args: Parameters<typeof watch>) {
  const watched = watch(...args);
  watched.client.onSnapshot(({ reason, complete }) => watched.log.push(complete ? 'complete' : `begins: ${reason}`));
  return watched;
}

test('a snapshot is told in order with its messages, and moves neither the position nor the storage before its end', async () => {
  const source = await createSource();
  const stored: string[] = [];
  const storage = { getItem: () => at(3), setItem: (_key: string, id: string) => void stored.push(id) };
  const { client, log } = watchSnapshots(source.url, { storage });
  const positions: string[] = [];
  for (const listen of [client.onReset, client.onSnapshot, client.onMessage] as ((f: () => void) => void)[])
    listen(() => positions.push(client.lastEventId));
  client.connect();
  (await source.next()).open(reset + begin('evicted') + plain('a', 'b') + position(2) + frame(3));
  await vi.waitFor(() => expect(log.at(-1)).toBe('m3'));
  expect(log).toEqual(['open', 'reset evicted', 'begins: evicted', 'a', 'b', 'complete', 'm3']);
  expect(positions).toEqual([at(3), at(3), at(3), at(3), at(2), at(3)]);
  expect(stored.slice(0, 5).concat(stored.at(-1)!)).toEqual([at(3), at(3), at(3), at(3), at(2), at(3)]);
});

test('a loop that is left in the middle of a snapshot has no part in it: the next one gets all of it', async () => {
  const source = await createSource();
  const { client } = watchSnapshots(source.url);
  const loop = client[Symbol.asyncIterator]();
  const first = loop.next();
  (await source.next()).open(begin() + plain('a', 'b') + position(5));
  expect((await first).value).toMatchObject({ data: 'a' });
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(5)));
  await loop.return(undefined);
  const next = client[Symbol.asyncIterator]().next();
  expect((await source.next()).request.headers).not.toHaveProperty('last-event-id');
  client.close();
  await next;
});

test('a client that is closed while its listener hears of a cut snapshot stays closed', async () => {
  const source = await createSource();
  const { client, clock } = watchSnapshots(source.url);
  client.onReset(() => client.close());
  client.connect();
  (await source.next()).open(position(3) + begin() + plain('a')).end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(1_000);
  const second = await source.next();
  second.open(position(3) + frame(4));
  await second.gone;
  clock.advance(100_000);
  expect([client.state, client.lastEventId, source.count]).toEqual(['closed', '', 2]);
});
