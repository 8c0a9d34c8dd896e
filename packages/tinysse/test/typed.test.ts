import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type } from 'arktype';
import { type Codec, createSSEServer, json, type SSEServer, typed } from 'tinysse';
import { createSSEClient, type SSEError, type SSEMessage } from 'tinysse/client';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';

type Events = { update: { id: string; count: number }; message: string[] };

async function listen(sse: Pick<SSEServer, 'handler'>): Promise<string> {
  const server = createServer(sse.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const options = { channelProvider: { resolveChannels: () => ['all'] }, logger: () => {} };
// The key itself, or an object that holds it: Standard Schema leaves both open.
const ofCount = expect.toSatisfy(([{ path }]) => (path[0].key ?? path[0]) === 'count');
const from = { lastEventId: 'earliest' };

describe('json', () => {
  test('brings data of any shape from a publish to listeners and loops', async () => {
    const sse = createSSEServer<Events>({ ...options, codec: json });
    const endpoint = await listen(sse);
    await sse.publish(['a\nb', 'ü'], 'all');
    await sse.publishEvent('update', { id: 'x', count: 1 }, 'all');
    await sse.sendAll([{ channels: 'all', event: 'update', data: { id: 'y', count: 2 } }]);
    const client = createSSEClient<Events>({ endpoint, codec: json, ...from });
    const heard: unknown[] = [];
    client.on('update', ({ data }) => heard.push(data.count));
    client.onMessage((message) => heard.push(message.event));
    for await (const message of client) {
      heard.push(message.data);
      if (message.event === 'update' && message.data.count === 2) break;
    }
    expect(heard.filter((item) => typeof item !== 'string')).toEqual([
      1,
      2,
      ['a\nb', 'ü'],
      { id: 'x', count: 1 },
      { id: 'y', count: 2 },
    ]);
    expect(heard.filter((item) => typeof item === 'string')).toEqual(['message', 'update', 'update']);
  });

  test('goes for the events of a source too', async () => {
    const sse = createSSEServer<Events>({ ...options, codec: json });
    const returned = vi.fn();
    function* source() {
      try {
        yield { event: 'update', data: { id: 'a', count: 0 } } as const;
        yield { data: ['b'] };
      } finally {
        returned();
      }
    }
    const response = await sse.respond(new Request('http://localhost/'), { source: source() });
    expect((await response.text()).replace(/^retry.+\n\n/, '')).toContain(
      'event: update\ndata: {"id":"a","count":0}\n\ndata: ["b"]\n\n',
    );
    expect(returned).toHaveBeenCalledOnce();
  });

  test('that cannot read a text says so, and the stream goes on', async () => {
    const plain = createSSEServer(options);
    const endpoint = await listen(plain);
    await plain.publish('{"half', 'all');
    await plain.publish('[1]', 'all');
    const client = createSSEClient({ endpoint, codec: json, ...from });
    const errors: SSEError[] = [];
    client.onError((error) => errors.push(error));
    for await (const { data } of client) {
      expect(data).toEqual([1]);
      break;
    }
    expect(errors).toMatchObject([{ code: 'VALIDATION', willRetry: true, cause: expect.any(SyntaxError) }]);
  });

  test('that cannot write data refuses the event, and so does a codec that gives no text', async () => {
    const sse = createSSEServer({ ...options, codec: json });
    await expect(sse.publish(1n, 'all')).rejects.toMatchObject({ code: 'INVALID_DATA', outcome: 'rejected' });
    await expect(sse.publish(undefined, 'all')).rejects.toMatchObject({ code: 'INVALID_DATA', outcome: 'rejected' });
    expect((await sse.stats()).published).toBe(0);
  });
});

describe.each([
  ['Zod', z.object({ id: z.string(), count: z.number().max(9) })],
  ['Valibot', v.object({ id: v.string(), count: v.pipe(v.number(), v.maxValue(9)) })],
  ['ArkType', type({ id: 'string', count: 'number <= 9' })],
])('typed events with %s', (_, update) => {
  const events = typed({ update });

  test('arrive when they are valid; others are reported with what is wrong with them', async () => {
    const plain = createSSEServer(options);
    const endpoint = await listen(plain);
    const send = (event: string, data: unknown) => plain.publishEvent(event, JSON.stringify(data), 'all');
    await send('update', { id: 'a', count: 1 });
    await send('update', { id: 'b', count: 10 });
    await send('unheard-of', {});
    await send('update', { id: 'c', count: 3 });
    const client = createSSEClient({ endpoint, codec: events, ...from });
    const errors: SSEError[] = [];
    client.onError((error) => errors.push(error));
    const got: unknown[] = [];
    for await (const { data } of client) if (got.push(data.id) === 2) break;
    expect(got).toEqual(['a', 'c']);
    expect(errors).toMatchObject([
      { code: 'VALIDATION', willRetry: true, message: expect.stringContaining('count'), issues: ofCount },
      { code: 'VALIDATION', issues: [{ message: 'the event has no schema' }] },
    ]);
  });

  test('are refused by the server when they are not valid', async () => {
    const sse = createSSEServer({ ...options, codec: events });
    await sse.publishEvent('update', { id: 'a', count: 1 }, 'all');
    await expect(sse.publishEvent('update', { id: 'a', count: 10 }, 'all')).rejects.toMatchObject({
      code: 'INVALID_DATA',
      outcome: 'rejected',
      message: expect.stringContaining('count'),
      issues: ofCount,
    });
    expect((await sse.stats()).published).toBe(1);
  });
});

test('a schema may make other data of what came', async () => {
  const events = typed({ at: z.coerce.date() });
  const sse = createSSEServer({ ...options, codec: events });
  const endpoint = await listen(sse);
  await sse.publishEvent('at', '2026-01-01', 'all');
  for await (const { data } of createSSEClient({ endpoint, codec: events, ...from })) {
    expect(data.getUTCFullYear()).toBe(2026);
    break;
  }
});

test('a schema that answers by a promise is refused', async () => {
  const events = typed({ at: z.string().refine(async () => true) });
  const sse = createSSEServer({ ...options, codec: events });
  await expect(sse.publishEvent('at', 'x', 'all')).rejects.toMatchObject({
    message: expect.stringContaining('at once'),
  });
});

test('a codec without encode is no codec', () => {
  expect(() => createSSEServer({ codec: {} as Codec })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

describe('types', () => {
  const endpoint = 'http://127.0.0.1/';

  test('are strings by default', () => {
    const client = createSSEClient({ endpoint });
    expectTypeOf(client.onMessage).parameter(0).parameter(0).toEqualTypeOf<SSEMessage>();
    client.on('anything', ({ data }) => expectTypeOf(data).toBeString());
    const sse = createSSEServer();
    expectTypeOf(sse.publish).parameter(0).toEqualTypeOf<string | Uint8Array>();
    // @ts-expect-error: an object needs a codec
    void sse.publish({}, 'all').catch(() => {});
  });

  test('follow a map of events, which needs a codec', () => {
    const client = createSSEClient<Events>({ endpoint, codec: json });
    client.on('update', ({ event, data }) => {
      expectTypeOf(event).toEqualTypeOf<'update'>();
      expectTypeOf(data).toEqualTypeOf<Events['update']>();
    });
    client.onMessage((message) => {
      if (message.event === 'message') expectTypeOf(message.data).toEqualTypeOf<string[]>();
      else expectTypeOf(message.data.count).toBeNumber();
    });
    // @ts-expect-error: no such event
    client.on('updated', () => {});
    // @ts-expect-error: who would parse it?
    createSSEClient<Events>({ endpoint });
    createSSEClient<{ line: string }>({ endpoint }).on('line', ({ data }) => expectTypeOf(data).toBeString());
  });

  test('hold for what is published', () => {
    const sse = createSSEServer<Events>({ ...options, codec: json });
    const publish = () => [
      sse.publish(['a'], 'all'),
      sse.publishEvent('update', { id: 'a', count: 1 }, 'all'),
      sse.send({ channels: 'all', data: ['a'] }),
      // @ts-expect-error: not what the map says
      sse.publish('a', 'all'),
      // @ts-expect-error: half an update
      sse.publishEvent('update', { id: 'a' }, 'all'),
      // @ts-expect-error: an update needs its name
      sse.send({ channels: 'all', data: { id: 'a', count: 1 } }),
      sse.sendAll([
        { channels: 'all', data: ['a'] },
        // @ts-expect-error: half an update
        { channels: 'all', event: 'update', data: { id: 'a' } },
      ]),
      // @ts-expect-error: no such event
      sse.publishEvent('updated', {}, 'all'),
    ];
    expect(publish).toBeTypeOf('function');
    // @ts-expect-error: without options there is no codec, and with them it may not be forgotten
    createSSEServer<Events>(options);
  });

  test('come from schemas: what goes in for a server, what comes out for a client', () => {
    const events = typed({
      zod: z.object({ at: z.string().transform((text) => new Date(text)) }),
      valibot: v.object({ n: v.number() }),
      arktype: type({ s: 'string' }),
    });
    const client = createSSEClient({ endpoint, codec: events });
    client.on('zod', ({ data }) => expectTypeOf(data.at).toEqualTypeOf<Date>());
    client.on('valibot', ({ data }) => expectTypeOf(data.n).toBeNumber());
    client.on('arktype', ({ data }) => expectTypeOf(data.s).toBeString());
    const sse = createSSEServer({ ...options, codec: events });
    expectTypeOf(sse.publishEvent<'zod'>)
      .parameter(1)
      .toEqualTypeOf<{ at: string }>();
    expectTypeOf(sse.publish).parameter(0).toBeNever();
  });
});
