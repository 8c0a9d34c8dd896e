import { memoryLog } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { code, later, start, stoppedClock } from './parts.js';
import { open, openUnread } from './stream.js';

describe('close', () => {
  test('ends open streams orderly, with everything published before and a time to come back', async () => {
    const { sse, url } = await start();
    const streams = await Promise.all(Array.from({ length: 5 }, () => open(url)));
    for (let n = 0; n < 100; n++) void sse.publish(String(n), 'all');
    await sse.close();
    for (const stream of streams) {
      await stream.toEnd();
      expect(stream.error).toBeUndefined();
      expect(stream.data).toHaveLength(100);
      const retry = Number(stream.frames.at(-1)?.retry);
      expect(retry).toBeGreaterThanOrEqual(1_000);
      expect(retry).toBeLessThanOrEqual(5_000);
    }
  });

  test('without streams is done at once, and again', async () => {
    const { sse } = await start();
    await sse.close();
    await sse.close();
  });

  test('lets the HTTP server close in time', async () => {
    const { sse, url, http } = await start();
    const stream = await open(url);
    const closed = new Promise((resolve) => http.close(resolve));
    await sse.close();
    await stream.toEnd();
    http.closeIdleConnections();
    await closed;
  });

  test('waits for a reader that is behind', async () => {
    const { sse, url } = await start();
    const slow = await openUnread(url);
    for (let n = 0; n < 200; n++) await sse.publish(`${n} ${'x'.repeat(50_000)}`, 'all');
    while ((await sse.stats()).behind === 0) await new Promise(setImmediate);
    const closing = sse.close();
    let text = '';
    for await (const piece of slow.setEncoding('utf8')) text += piece;
    await closing;
    expect(text.match(/^data: \d+ x/gm)).toHaveLength(200);
    expect(text).toMatch(/retry: \d+\n\n$/);
  });

  test('with a reader that has stalled is done after drainMs, and cuts its connection soon after', async () => {
    const clock = stoppedClock();
    const { sse, url, http } = await start({ clock });
    const stalled = await openUnread(url);
    const reading = await open(url);
    for (let n = 0; n < 200; n++) await sse.publish(`${n} ${'x'.repeat(50_000)}`, 'all');
    // Length alone: a search through 10 MB for every piece would take seconds.
    await reading.until(() => reading.text.length > 200 * 50_000);
    while ((await sse.stats()).behind !== 1) await new Promise(setImmediate);
    const closing = sse.close({ drainMs: 3_000 });
    await reading.toEnd();
    expect((await sse.stats()).subscribers).toBe(1);
    clock.advance(3_000);
    await closing;
    const closed = new Promise((resolve) => http.close(resolve));
    clock.advance(5_000);
    await closed;
    await new Promise((resolve) => stalled.once('error', resolve).resume());
  });

  test('gives a running source until drainMs, then gives it back', async () => {
    const clock = stoppedClock();
    const ended = later();
    const { sse, url } = await start({ clock }, (server) => (req, res) => {
      const source = (async function* () {
        try {
          yield { data: 'one' };
          await ended.promise;
          yield { data: 'two' };
        } finally {
          ended.resolve();
        }
      })();
      void server.serve(req, res, { channels: ['all'], source });
    });
    const stream = await open(url);
    await stream.got('one');
    const closing = sse.close();
    ended.resolve();
    await stream.got('two');
    await closing;
    expect(Number((await stream.toEnd()).frames.at(-1)?.retry)).toBeGreaterThan(0);
  });

  test('sends newcomers away: event streams with a time to come back, all others with 503', async () => {
    const { sse, url } = await start({ refusalBody: 'json' });
    await sse.close();
    const stream = await (await open(url)).toEnd();
    expect([stream.status, stream.frames]).toEqual([200, [{ retry: expect.stringMatching(/^[1-5]\d{3}$/) }]]);
    const response = await fetch(url);
    expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'DRAINING' } }]);
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(5);
  });

  test('sends away whoever was being decided', async () => {
    const asked = later();
    const answer = later<string[]>();
    const { sse, url } = await start({
      channelProvider: {
        resolveChannels: () => {
          asked.resolve();
          return answer.promise;
        },
      },
    });
    const opening = open(url);
    await asked.promise;
    await sse.close();
    answer.resolve(['all']);
    expect((await (await opening).toEnd()).frames).toEqual([{ retry: expect.any(String) }]);
  });

  test('refuses publishes', async () => {
    const { sse } = await start();
    const closing = sse.close();
    await expect(sse.publish('late', 'all')).rejects.toMatchObject(code('LOG_CLOSED', { outcome: 'rejected' }));
    await closing;
  });

  test('closes the log that the server made, and not one that it was given', async () => {
    const log = memoryLog();
    const given = await start({ log });
    await given.sse.close();
    expect((await log.head()).offset).toBe(0);
    const made = await start();
    await made.sse.close();
    expect(await made.sse.stats()).toMatchObject({ draining: true, log: undefined });
  });
});
