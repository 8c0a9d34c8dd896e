import { expect, test, vi } from 'vitest';
import type { SSEClient } from '../../src/client/index.js';
import { at, createSource, frame, position, watch } from './source.js';

/** Collects what a loop gives, until it ends. */
async function collect(client: SSEClient, seen: string[] = []): Promise<string[]> {
  for await (const { data } of client) seen.push(data);
  return seen;
}

test('a loop connects, goes on over reconnects, and ends on 204', async () => {
  const source = await createSource();
  const { client, clock } = watch(source.url);
  const loop = collect(client);
  (await source.next()).open(position(0) + frame(1)).end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(1_000);
  (await source.next()).open(frame(2)).end();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(2_000);
  (await source.next()).refuse(204);
  expect(await loop).toEqual(['m1', 'm2']);
  expect(client.state).toBe('closed');
});

test('a loop throws the error that ended the client', async () => {
  const source = await createSource();
  const { client } = watch(source.url);
  const loop = collect(client);
  (await source.next()).refuse(403);
  await expect(loop).rejects.toMatchObject({ name: 'SSEError', code: 'HTTP_STATUS', status: 403, willRetry: false });
});

test('an abort throws out of the loop', async () => {
  const source = await createSource();
  const controller = new AbortController();
  const { client } = watch(source.url, { signal: controller.signal });
  const loop = collect(client);
  (await source.next()).open();
  controller.abort();
  await expect(loop).rejects.toMatchObject({ code: 'ABORTED' });
});

test('a loop ends on close, after what had been read', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  const seen: string[] = [];
  const loop = (async () => {
    for await (const { data } of client) {
      seen.push(data);
      if (data === 'm1') await vi.waitFor(() => expect(log).toContain('m3'));
      client.close();
    }
  })();
  (await source.next()).open(position(0) + frame(1) + frame(2) + frame(3));
  await loop;
  expect(seen).toEqual(['m1', 'm2', 'm3']);
});

test('leaving a loop that connected closes the client, and the next loop goes on after the last message it took', async () => {
  const source = await createSource();
  const { client } = watch(source.url);
  const left = (async () => {
    for await (const { data } of client) if (data === 'm2') return;
  })();
  const first = (await source.next()).open(position(0) + frame(1) + frame(2) + frame(3) + frame(4));
  await left;
  await first.gone;
  expect([client.state, client.lastEventId]).toEqual(['closed', at(2)]);
  const rest = collect(client);
  const second = await source.next();
  expect(second.request.headers['last-event-id']).toBe(at(2));
  second.open(position(2) + frame(3) + frame(4));
  await vi.waitFor(() => expect(client.lastEventId).toBe(at(4)));
  client.close();
  expect(await rest).toEqual(['m3', 'm4']);
});

test('leaving a loop over a client that was connected before leaves it open', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  client.connect();
  const connection = await source.next();
  const left = (async () => {
    for await (const _ of client) return;
  })();
  connection.open(frame(1));
  await left;
  expect(client.state).toBe('open');
  connection.write(frame(2));
  await vi.waitFor(() => expect(log).toEqual(['open', 'm1', 'm2']));
});

test('two loops get every message each', async () => {
  const source = await createSource();
  const { client, log } = watch(source.url);
  const loops = [collect(client), collect(client)];
  (await source.next()).open(frame(1) + frame(2));
  await vi.waitFor(() => expect(log).toContain('m2'));
  client.close();
  expect(await Promise.all(loops)).toEqual([
    ['m1', 'm2'],
    ['m1', 'm2'],
  ]);
});

test('a loop that does not take its messages stops the reading, and silence of its own making is no silence', async () => {
  const sent: number[] = [];
  let chunk = 0;
  // One message for each pull: what is pulled is what is read.
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        sent.push(++chunk);
        if (chunk > 500) return controller.close();
        controller.enqueue(Buffer.from(`data: ${chunk}\n\n`));
      },
    },
    { highWaterMark: 0 },
  );
  const answers = [
    new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
    new Response(null, { status: 204 }),
  ];
  const { client, clock } = watch('http://unused.test', { fetch: async () => answers.shift()!, idleTimeoutMs: 1_000 });
  const loop = client[Symbol.asyncIterator]();
  expect((await loop.next()).value).toMatchObject({ data: '1' });
  await vi.waitFor(() => expect([sent.length, clock.timers]).toEqual([65, 0]));
  clock.advance(100_000);
  expect(client.state).toBe('open');
  const seen = ['1'];
  const rest = (async () => {
    for await (const { data } of loop) seen.push(data);
  })();
  await vi.waitFor(() => expect(client.state).toBe('waiting'));
  clock.advance(1_000);
  await rest;
  expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => String(n + 1)));
});
