import { type ConnectContext, SSEError, type SSERequest } from 'tinysse';
import { describe, expect, onTestFinished, test } from 'vitest';
import { later, unbound } from './parts.js';
import { framesOf } from './stream.js';

const all = { channelProvider: { resolveChannels: () => ['all'] } };
const request = (headers: Record<string, string> = {}, init: RequestInit = {}) =>
  new Request('http://localhost/events', { headers, ...init });

/** Reads a body until `text` has come. */
function reading(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  onTestFinished(() => reader.cancel().catch(() => {}));
  let read = '';
  return {
    reader,
    async until(text: string): Promise<string> {
      while (!read.includes(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`ended after: ${read.slice(-500)}`);
        read += decoder.decode(value, { stream: true });
      }
      return read;
    },
  };
}

describe('sse.fetch', () => {
  test('answers a Request with a stream', async () => {
    const { sse } = unbound(all);
    const response = await sse.fetch(request());
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const body = reading(response);
    const cursor = await sse.publish('hello', 'all');
    expect(framesOf(await body.until('hello')).at(-1)).toEqual({ id: cursor, data: 'hello' });
  });

  test('gives the provider the request itself, and as context.raw what came with it', async () => {
    const seen: [SSERequest, ConnectContext][] = [];
    const { sse } = unbound({
      channelProvider: {
        resolveChannels(...args) {
          seen.push(args);
          return ['all'];
        },
      },
    });
    const [one, two] = [request(), request()];
    await (await sse.fetch(one)).body?.cancel();
    await (await sse.fetch(two, { user: 7 })).body?.cancel();
    expect(seen).toEqual([
      [one, { raw: one }],
      [two, { raw: { user: 7 } }],
    ]);
  });

  test('resumes by Last-Event-ID', async () => {
    const { sse } = unbound(all);
    const first = await sse.publish('1', 'all');
    await sse.publish('2', 'all');
    const body = reading(await sse.fetch(request({ 'last-event-id': first })));
    const text = await body.until('data: 2');
    expect(text).not.toContain('data: 1\n');
  });

  test('clients share the bytes of an event, and reading one takes nothing from another', async () => {
    const { sse } = unbound(all);
    const bodies = await Promise.all(Array.from({ length: 5 }, async () => reading(await sse.fetch(request()))));
    for (const data of ['one', 'two', 'x'.repeat(100_000), 'end']) await sse.publish(data, 'all');
    const texts = await Promise.all(bodies.map((body) => body.until('data: end')));
    for (const text of texts)
      expect(
        framesOf(text)
          .slice(2)
          .map(({ data }) => data?.length),
      ).toEqual([3, 3, 100_000, 3]);
  });

  test('a body that nobody reads holds one page at most, and gets every event when it is read', async () => {
    const { sse } = unbound(all);
    const response = await sse.fetch(request());
    const big = 'x'.repeat(20_000);
    for (let n = 0; n < 300; n++) {
      await sse.publish(`${n} ${big}`, 'all');
      if (n % 10 === 0) await new Promise(setImmediate);
    }
    expect(await sse.stats()).toMatchObject({ subscribers: 1, behind: 1, delivered: 0 });
    await sse.publish('end', 'all');
    const frames = framesOf(await reading(response).until('data: end'));
    expect(frames.slice(2, -1).map(({ data }) => Number.parseInt(data as string, 10))).toEqual([...Array(300).keys()]);
  });

  test('a cancelled body leaves nothing behind', async () => {
    const { sse } = unbound(all);
    const response = await sse.fetch(request());
    expect((await sse.stats()).subscribers).toBe(1);
    await response.body?.cancel();
    expect(await sse.stats()).toMatchObject({ subscribers: 0, channels: 0 });
  });

  test('an aborted request leaves nothing behind, whether aborted after, while, or before it is decided', async () => {
    const thinking = later();
    const answer = later();
    const { sse } = unbound({
      channelProvider: {
        async resolveChannels({ url }) {
          if (!url.endsWith('slow')) return ['all'];
          thinking.resolve();
          await answer.promise;
          return ['all'];
        },
      },
    });
    const [after, meanwhile] = [new AbortController(), new AbortController()];
    const response = await sse.fetch(request({}, { signal: after.signal }));
    after.abort();
    const pending = sse.fetch(new Request('http://localhost/slow', { signal: meanwhile.signal }));
    await thinking.promise;
    meanwhile.abort();
    answer.resolve();
    await (await pending).text();
    await (await sse.fetch(request({}, { signal: AbortSignal.abort() }))).text();
    expect(framesOf(await response.text()).length).toBeLessThanOrEqual(2);
    expect(await sse.stats()).toMatchObject({ subscribers: 0, channels: 0 });
  });

  test('refuses as the Node handler does', async () => {
    const refused = new SSEError('UNAUTHORIZED', 'sign in first');
    const { sse } = unbound({ channelProvider: { resolveChannels: () => Promise.reject(refused) } });
    const response = await sse.fetch(request());
    expect([response.status, await response.text()]).toEqual([401, 'sign in first\n']);
  });

  test('HEAD and OPTIONS have no body', async () => {
    const { sse } = unbound(all);
    for (const [method, status] of [
      ['HEAD', 200],
      ['OPTIONS', 204],
    ] as const) {
      const response = await sse.fetch(request({}, { method }));
      expect([response.status, response.body]).toEqual([status, null]);
    }
    expect((await sse.stats()).subscribers).toBe(0);
  });

  test('passes a Response of the provider on as it is', async () => {
    const mine = new Response('mine', { status: 418 });
    const { sse } = unbound({ channelProvider: { resolveChannels: () => mine } });
    expect(await sse.fetch(request())).toBe(mine);
  });
});

test('respond serves a request whose route has authorised it', async () => {
  const { sse } = unbound();
  const body = reading(await sse.respond(request(), { channels: ['user:1'] }));
  await sse.publish('for me', 'user:1');
  await body.until('data: for me');
});
