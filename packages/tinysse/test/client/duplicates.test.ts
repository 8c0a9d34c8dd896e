import { expect, test, vi } from 'vitest';
import { at, createSource, EPOCH, frame, position, watch } from './source.js';

const reset = (offset: number, epoch = EPOCH) =>
  `event: tinysse:reset\nid: ${at(offset, epoch)}\ndata: {"reason":"evicted","lastEventId":"${at(1)}","resumedAt":"${at(offset, epoch)}"}\n\n`;

async function play(...parts: string[]) {
  const source = await createSource();
  const watched = watch(source.url);
  watched.client.connect();
  (await source.next()).open(`${parts.join('')}data: end\n\n`);
  await vi.waitFor(() => expect(watched.log.at(-1)).toBe('end'));
  return { ...watched, seen: watched.log.slice(1, -1) };
}

test('messages at or before the position are dropped, and do not move it back', async () => {
  const { seen, client } = await play(position(2), frame(1), frame(2), frame(3), frame(3), frame(4), frame(2));
  expect(seen).toEqual(['m3', 'm4']);
  expect(client.lastEventId).toBe(at(4));
});

test('a position that was sent twice does not bring messages back', async () => {
  const part = position(2) + frame(3) + frame(4);
  expect((await play(part, part)).seen).toEqual(['m3', 'm4']);
});

test('messages of another epoch, without a cursor, or without an id of their own are never dropped', async () => {
  const other = 'fedcba9876543210';
  const { seen } = await play(
    position(5),
    `id: ${at(1, other)}\ndata: other\n\n`,
    'data: none\n\ndata: none\n\n',
    'id: 3\ndata: foreign\n\nid: 3\ndata: foreign\n\n',
  );
  expect(seen).toEqual(['other', 'none', 'none', 'foreign', 'foreign']);
});

test('nothing is dropped on a connection that has not shown its position', async () => {
  expect((await play(frame(3), frame(3), frame(1))).seen).toEqual(['m3', 'm3', 'm1']);
});

test('the position must be shown by every connection anew', async () => {
  const source = await createSource();
  const { client, clock, log } = watch(source.url);
  client.connect();
  (await source.next()).open(position(0) + frame(1)).end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(1_000);
  (await source.next()).open(frame(1));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1', 'NETWORK retries', 'open', 'm1']));
});

test('a reset reaches onReset, is never dropped, and sets the position, back as well', async () => {
  const { seen, client } = await play(position(9), reset(4), frame(5), reset(4), frame(5), frame(4));
  expect(seen).toEqual(['reset evicted', 'm5', 'reset evicted', 'm5']);
  expect(client.lastEventId).toBe(at(5));
});

test('a reset says what it was about', async () => {
  const source = await createSource();
  const { client } = watch(source.url);
  const listener = vi.fn();
  const messages = vi.fn();
  client.onReset(listener);
  client.on('tinysse:reset', messages);
  client.connect();
  (await source.next()).open(position(1) + reset(4));
  await vi.waitFor(() =>
    expect(listener).toHaveBeenCalledWith({ reason: 'evicted', lastEventId: at(1), resumedAt: at(4) }),
  );
  expect(messages).not.toHaveBeenCalled();
});
