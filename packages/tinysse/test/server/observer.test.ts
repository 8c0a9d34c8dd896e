import { memoryLog, type Observer, SSEError } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { code, start, unbound } from './parts.js';
import { open } from './stream.js';

/** An observer that keeps what it is told. */
function witness() {
  const told: unknown[][] = [];
  const keep =
    (name: string) =>
    (...args: unknown[]) =>
      void told.push([name, ...args]);
  const observer: Observer = {
    connected: keep('connected'),
    disconnected: keep('disconnected'),
    refused: keep('refused'),
    published: keep('published'),
    flushed: keep('flushed'),
  };
  const of = (name: string): unknown[][] => told.filter(([what]) => what === name).map(([, ...args]) => args);
  return { observer, of };
}

describe('an observer', () => {
  test('is told of a stream twice, with the same connection: when it begins, and when it has ended', async () => {
    const { observer, of } = witness();
    const { sse, url } = await start({ observer });
    const stream = await open(`${url}/?a=b`);
    await sse.publish('one', 'all');
    await sse.publish('two', 'all');
    await stream.got('two');
    sse.disconnect({ channel: 'all' });
    const [[begun]] = of('connected') as [[{ request: Request; channels: string[] }]];
    const [[ended, end]] = of('disconnected') as [[unknown, object]];
    expect(begun.request.url).toBe(`${url}/?a=b`);
    expect(begun.channels).toEqual(['all']);
    expect(ended).toBe(begun);
    expect(end).toEqual({ reason: 'disconnected', events: 2, ms: expect.any(Number) });
  });

  test('is told of streams over fetch alike', async () => {
    const { observer, of } = witness();
    const { sse } = unbound({ observer });
    const leave = new AbortController();
    const request = new Request('http://localhost/', { signal: leave.signal });
    await sse.respond(request, { channels: ['a'] });
    leave.abort();
    expect(of('connected')).toEqual([[{ request, context: { raw: request }, channels: ['a'] }]]);
    expect(of('disconnected')).toEqual([
      [of('connected')[0]?.[0], { reason: 'gone', events: 0, ms: expect.any(Number) }],
    ]);
  });

  test('is told why a request for a stream is refused, once', async () => {
    const { observer, of } = witness();
    const { url } = await start({ observer, limits: { clients: 1 } });
    const first = await open(url);
    expect((await fetch(url)).status).toBe(503);
    expect(of('refused')).toEqual([
      [expect.anything(), { raw: expect.anything() }, expect.objectContaining(code('BUSY'))],
    ]);
    expect(of('connected')).toHaveLength(1);
    first.leave();
  });

  test('is told how long each publish took, and why one failed', async () => {
    const { observer, of } = witness();
    const { sse } = unbound({ observer });
    await sse.publish('x', 'a');
    await expect(sse.publish('x', '')).rejects.toMatchObject(code('INVALID_CHANNEL'));
    expect(of('published')).toEqual([
      [expect.any(Number)],
      [expect.any(Number), expect.objectContaining(code('INVALID_CHANNEL'))],
    ]);
  });

  test('is told of events that were published together once, and of each that failed', async () => {
    const { observer, of } = witness();
    const { sse } = unbound({ observer });
    await sse.sendAll(['a', '', 'b'].map((channels) => ({ channels, data: 'x' })));
    expect(of('published')).toEqual([
      [expect.any(Number), expect.objectContaining(code('INVALID_CHANNEL'))],
      [expect.any(Number), undefined, 2],
    ]);
    expect(await sse.stats()).toMatchObject({ published: 2 });
  });

  test('is told of each flush, not of each event', async () => {
    const { observer, of } = witness();
    const { sse } = unbound({ observer });
    await Promise.all([sse.publish('x', 'a'), sse.publish('y', 'b'), sse.publish('z', 'a')]);
    await new Promise(setImmediate);
    expect(of('flushed')).toEqual([[3, expect.any(Number)]]);
  });
});

describe('stats', () => {
  test('count what became of streams that came back, and what retention has evicted', async () => {
    const { sse, url } = await start({ log: memoryLog({ maxEventsPerChannel: 2 }) });
    const ids: string[] = [];
    for (const text of ['1', '2', '3', '4']) ids.push(await sse.publish(text, 'all'));
    for (const [lastEventId, last] of [ids[2], ids[0]].map((id) => [id as string, '4'] as const))
      await (await open(url, { lastEventId })).got(last);
    await new Promise(setImmediate);
    expect(await sse.stats()).toMatchObject({
      resumes: { complete: 1, reset: 1 },
      resets: { evicted: 1 },
      delivered: 3,
      deliveredBytes: expect.any(Number),
      pending: 0,
      log: { evicted: { count: 2, age: 0, bytes: 0, channels: 0 } },
    });
  });

  test('know everything but the log when that is away', async () => {
    const log = memoryLog();
    const away = (): never => {
      throw new SSEError('LOG_UNAVAILABLE', 'away');
    };
    const { sse, url } = await start({ log: { ...log, stats: away } });
    await open(url);
    expect(await sse.stats()).toMatchObject({ subscribers: 1, log: undefined });
  });
});
