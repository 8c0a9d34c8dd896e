import { expect, test, vi } from 'vitest';
import { createSSEClient, type SSEMessage } from '../../src/client/index.js';
import { json } from '../../src/protocol/codec.js';
import { at, createSource, frame, position, watch } from './source.js';

test('onMessage sees every message, on those of one name, and each can be taken off', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  const named: SSEMessage[] = [];
  const unnamed: string[] = [];
  const off = client.on('update', (message) => named.push(message));
  client.on('message', (message) => unnamed.push(message.data));
  client.connect();
  const connection = (await source.next()).open('id: 1\nevent: update\ndata: a\n\ndata: b\n\n');
  await vi.waitFor(() => expect(log).toEqual(['open', 'a', 'b']));
  expect(named).toEqual([{ id: '1', event: 'update', data: 'a' }]);
  expect(unnamed).toEqual(['b']);
  expect(client.lastEventId).toBe('1');
  off();
  off();
  connection.write('event: update\ndata: c\n\n');
  await vi.waitFor(() => expect(log).toContain('c'));
  expect(named).toHaveLength(1);
});

test('a function that listens twice is called twice and taken off one at a time', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  const listener = vi.fn();
  const off = client.onMessage(listener);
  client.onMessage(listener);
  client.connect();
  const connection = (await source.next()).open('data: a\n\n');
  await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(2));
  off();
  connection.write('data: b\n\n');
  await vi.waitFor(() => expect(log).toContain('b'));
  expect(listener).toHaveBeenCalledTimes(3);
});

test('a listener that throws stops neither the others nor the stream, and the logger hears of it', async () => {
  const source = await createSource();
  const logger = vi.fn();
  const client = createSSEClient({ endpoint: source.url, logger });
  const bad = new Error('bad listener');
  const seen: string[] = [];
  client.onMessage(() => {
    throw bad;
  });
  client.onMessage(({ data }) => seen.push(data));
  client.connect();
  (await source.next()).open('data: a\n\ndata: b\n\n');
  await vi.waitFor(() => expect(seen).toEqual(['a', 'b']));
  expect(logger).toHaveBeenCalledWith('tinysse: a listener threw', bad);
  client.close();
});

test('without a logger what a listener throws becomes an uncaught error', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
  client.on('message', ({ data }) => {
    if (data === 'a') throw new Error('bad listener');
  });
  client.connect();
  (await source.next()).open('data: a\n\ndata: b\n\n');
  await expect(uncaught).resolves.toMatchObject({ message: 'bad listener' });
  process.removeAllListeners('uncaughtException');
  for (const other of others) process.on('uncaughtException', other);
  await vi.waitFor(() => expect(log).toEqual(['open', 'a', 'b']));
});

test('position frames reach no message listener and move the cursor', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  const listener = vi.fn();
  client.on('tinysse:position', listener);
  client.connect();
  const connection = (await source.next()).open(position(7));
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(7)));
  connection.write(`event: tinysse:position\ndata: 15000\n\n${frame(8)}event: tinysse:other\ndata: x\n\ndata: end\n\n`);
  await vi.waitFor(() => expect(log).toEqual(['open', 'm8', 'end']));
  expect(client.lastEventId).toBe(at(8));
  expect(listener).not.toHaveBeenCalled();
});

test('an id without an event moves the cursor', async () => {
  const source = await createSource();
  const { client } = watch(source.url);
  client.connect();
  (await source.next()).open(`id: ${at(3)}\n\n`);
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(3)));
});

test('after close no listener sees a message, not even of the same chunk, and connect goes on after the last', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  client.on('message', ({ data }) => data === 'm2' && client.close());
  client.connect();
  const first = (await source.next()).open(position(0) + frame(1) + frame(2) + frame(3));
  await first.gone;
  expect(log).toEqual(['open', 'm1', 'm2']);
  expect(client.state).toBe('closed');
  client.connect();
  const second = await source.next();
  expect(second.request.headers['last-event-id']).toBe(at(2));
});

test('an event without data passes json', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url, { codec: json });
  const heard: unknown[] = [];
  client.onMessage(({ data }) => heard.push(data));
  client.connect();
  (await source.next()).open('data\n\ndata: 1\n\n');
  await vi.waitFor(() => expect(heard).toEqual([undefined, 1]));
  expect(log).toEqual(['open', undefined, 1]);
});
