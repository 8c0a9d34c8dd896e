import { Readable } from 'node:stream';
import type { Source, SourceEvent, Subscription } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { handFed } from './feed.js';
import { type Running, start, unbound } from './parts.js';
import { open, openUnread } from './stream.js';

/** A server whose every request gets this subscription. */
const serving = (subscription: () => Subscription, options = {}): Promise<Running> =>
  start(options, (sse) => (req, res) => void sse.serve(req, res, subscription()));

describe('a source', () => {
  test('without channels is the whole stream: its events have no ids, and the stream ends with it', async () => {
    const { sse, url } = await serving(() => ({ source: [{ data: 'a' }, { event: 'named', data: 'b\nc' }] }));
    const stream = await (await open(url)).toEnd();
    expect(stream.error).toBeUndefined();
    expect(stream.events).toEqual([{ data: 'a' }, { event: 'named', data: 'b\nc' }]);
    expect(await sse.stats()).toMatchObject({ subscribers: 0 });
  });

  test.each([
    [
      'a generator',
      () =>
        (function* () {
          yield* [{ data: '1' }, { data: '2' }];
        })(),
    ],
    [
      'an async generator',
      () =>
        (async function* () {
          yield* [{ data: '1' }, { data: '2' }];
        })(),
    ],
    ['a Set', () => new Set([{ data: '1' }, { data: '2' }])],
    ['a Node stream', () => Readable.from([{ data: '1' }, { data: '2' }])],
    [
      'a web stream',
      () =>
        new Blob(['12']).stream().pipeThrough(
          new TransformStream<Uint8Array, SourceEvent>({
            transform: (bytes, to) => {
              for (const byte of bytes) to.enqueue({ data: String.fromCharCode(byte) });
            },
          }),
        ) as unknown as AsyncIterable<SourceEvent>,
    ],
  ] satisfies [string, () => Source][])('may be %s', async (_, source) => {
    const { url } = await serving(() => ({ source: source() }));
    expect((await (await open(url)).toEnd()).data).toEqual(['1', '2']);
  });

  test('then live events: what is published while it runs follows it, once and in order', async () => {
    const feed = handFed();
    const { sse, url } = await serving(() => ({ channels: ['all'], source: feed.source }));
    await sse.publish('before', 'all');
    const stream = await open(url);
    feed.give({ data: 'snapshot 1' });
    await stream.got('snapshot 1');
    await sse.publish('live 1', 'all');
    feed.give({ data: 'snapshot 2' });
    await stream.got('snapshot 2');
    await sse.publish('live 2', 'all');
    feed.end();
    await stream.got('live 2');
    await sse.publish('live 3', 'all');
    await stream.got('live 3');
    expect(stream.data).toEqual(['snapshot 1', 'snapshot 2', 'live 1', 'live 2', 'live 3']);
  });

  test('that is a snapshot read after the cursor was taken has no hole, with publishes all the while', async () => {
    const state = { count: 0 };
    const { sse, url } = await start({ historyReplayBuffer: 10_000 }, (server) => async (req, res) => {
      const from = await server.cursor();
      await new Promise(setImmediate);
      const { count } = state;
      await new Promise(setImmediate);
      await server.serve(req, res, { channels: ['all'], from, source: [{ event: 'snapshot', data: String(count) }] });
    });
    let publishing = true;
    const publisher = (async () => {
      while (publishing) {
        await sse.publish(String(++state.count), 'all');
        if (state.count % 7 === 0) await new Promise(setImmediate);
      }
      await sse.publish('end', 'all');
    })();
    const streams = [];
    for (let n = 0; n < 10; n++) streams.push(await open(url));
    publishing = false;
    await publisher;
    for (const stream of streams) {
      await stream.got('end');
      const [snapshot, ...live] = stream.events;
      const next = live.slice(0, -1).map(({ data }) => Number(data));
      // Whatever the snapshot holds already may come again; after it, nothing is missing.
      const from = next[0] ?? state.count + 1;
      expect(from).toBeLessThanOrEqual(Number(snapshot?.data) + 1);
      expect(next).toEqual(Array.from({ length: state.count - from + 1 }, (_, i) => from + i));
    }
  });

  test('that throws ends the stream, and is logged', async () => {
    const failure = new Error('secret of the database');
    const { sse, url, logged } = await serving(() => ({
      channels: ['all'],
      source: (async function* () {
        yield { data: 'one' };
        throw failure;
      })(),
    }));
    const stream = await (await open(url)).toEnd();
    expect([stream.data, stream.text.includes('secret')]).toEqual([['one'], false]);
    expect(logged).toEqual([['a source failed', failure]]);
    expect((await sse.stats()).subscribers).toBe(0);
  });

  test.each([
    ['an event name that would be another field', { event: 'a\nid: 1', data: '' }],
    ['data that is an object', { data: {} as string }],
  ])('that gives %s ends like one that throws, and is given back', async (_, event) => {
    const feed = handFed();
    const { url, logged } = await serving(() => ({ source: feed.source }));
    feed.give(event);
    const stream = await (await open(url)).toEnd();
    expect([stream.data, feed.counts.returned, logged.length]).toEqual([[], 1, 1]);
  });

  test.each([
    ['is no iterable', {}],
    ['is text', 'abc'],
    ['is a number', 5],
  ])('that %s is a mistake of the route: refused before any header, logged, and nothing is left', async (_, source) => {
    const { sse, url, logged } = await serving(() => ({ channels: ['all'], source: source as unknown as Source }));
    expect((await open(url, { headers: { accept: '*/*' } })).status).toBe(503);
    expect([(await sse.stats()).subscribers, logged.length]).toEqual([0, 1]);
  });

  test('is given back when the client leaves while it is being waited for', async () => {
    const feed = handFed();
    const { sse, url } = await serving(() => ({ source: feed.source }));
    const stream = await open(url);
    feed.give({ data: 'one' });
    await stream.got('one');
    stream.leave();
    await feed.returned;
    expect([feed.counts, (await sse.stats()).subscribers]).toEqual([{ pulled: 2, returned: 1 }, 0]);
  });

  test('is given back when the stream is ended by the server', async () => {
    const feed = handFed();
    const { sse, url } = await serving(() => ({ channels: ['all'], source: feed.source }));
    await open(url);
    while ((await sse.stats()).subscribers === 0) await new Promise(setImmediate);
    expect(await sse.disconnect({ channel: 'all' })).toBe(1);
    await feed.returned;
  });

  test('of a connection that is refused is given back', async () => {
    const feeds = [handFed(), handFed()];
    const next = feeds.values();
    const { url } = await serving(() => ({ channels: ['all'], source: next.next().value?.source }), {
      limits: { clients: 1 },
    });
    await open(url);
    await (await open(url)).toEnd();
    await feeds[1]?.returned;
    expect(feeds[0]?.counts.returned).toBe(0);
  });

  test('is not pulled while the client does not read', async () => {
    let pulled = 0;
    const { sse, url } = await serving(() => ({
      source: (function* () {
        for (; pulled < 2_000; pulled++) yield { data: `${pulled} ${'x'.repeat(50_000)}` };
      })(),
    }));
    const paused = await openUnread(url);
    // It stands still once the kernel's buffers are full: far from the 100 MB that it could give.
    let before = -1;
    while (pulled === 0 || pulled !== before) {
      before = pulled;
      for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    }
    expect(pulled).toBeLessThan(1_000);
    expect((await sse.stats()).behind).toBe(1);
    let bytes = 0;
    for await (const piece of paused) bytes += piece.length;
    expect(bytes).toBeGreaterThan(100_000_000);
    expect(pulled).toBe(2_000);
  });

  test('through fetch is pulled as the body is read, and given back when it is cancelled', async () => {
    let pulled = 0;
    let finished = false;
    const { sse } = unbound();
    const source = (async function* () {
      try {
        for (;;) yield { data: String(pulled++) };
      } finally {
        finished = true;
      }
    })();
    const response = await sse.respond(new Request('http://localhost/'), { source });
    const reader = response.body?.getReader();
    await reader?.read();
    await new Promise(setImmediate);
    expect(pulled).toBeLessThan(5);
    await reader?.cancel();
    await new Promise(setImmediate);
    expect([finished, (await sse.stats()).subscribers]).toEqual([true, 0]);
  });
});
