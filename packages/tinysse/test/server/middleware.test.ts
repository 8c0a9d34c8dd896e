import compression from 'compression';
import express from 'express';
import { describe, expect, test } from 'vitest';
import { handFed } from './feed.js';
import { later, start } from './parts.js';
import { get, RawClient } from './raw.js';
import { open } from './stream.js';

type Write = (bytes: Uint8Array, done?: () => void) => boolean;

describe('behind middleware', () => {
  test('headers that a framework has set are kept', async () => {
    const { url } = await start({}, (sse) => (req, res) => {
      res.setHeader('access-control-allow-origin', 'https://a.example');
      res.setHeader('set-cookie', ['a=1', 'b=2']);
      res.statusCode = 404;
      sse.handler(req, res);
    });
    const stream = await open(url);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'access-control-allow-origin': 'https://a.example',
      'set-cookie': ['a=1', 'b=2'],
    });
  });

  test('compression leaves the stream alone, and events arrive at once', async () => {
    const { sse, url } = await start({}, (server) => {
      const app = express();
      app.use(compression({ threshold: 0 }));
      app.use(server.handler);
      return app;
    });
    const stream = await open(url, { headers: { 'accept-encoding': 'gzip, br' } });
    for (const data of ['one', 'two', 'x'.repeat(100_000), 'three']) {
      await sse.publish(data, 'all');
      await stream.got(data);
    }
    expect(stream.headers['content-encoding']).toBeUndefined();
  });

  test.each([
    [
      'passes everything on',
      (write: Write): Write =>
        (...args) =>
          write(...args),
    ],
    [
      'drops the callback',
      (write: Write): Write =>
        (bytes) =>
          write(bytes),
    ],
    [
      'drops the result',
      (write: Write): Write =>
        (bytes, done) =>
          void write(bytes, done) as never,
    ],
  ])('a write that is wrapped and %s sees every byte, and a slow reader gets every event', async (_, wrap) => {
    let seen = 0;
    const { sse, url } = await start({}, (server) => (req, res) => {
      const write = wrap(res.write.bind(res) as Write);
      res.write = ((bytes: Uint8Array, done?: () => void) => {
        seen += bytes.length;
        return write(bytes, done);
      }) as typeof res.write;
      server.handler(req, res);
    });
    const stream = await open(url);
    const big = 'x'.repeat(50_000);
    for (let n = 0; n < 200; n++) await sse.publish(`${n} ${big}`, 'all');
    await sse.publish('marker', 'all');
    await stream.until(() => stream.text.endsWith('data: marker\n\n'));
    expect(stream.data.map((data) => Number.parseInt(data as string, 10))).toEqual([...Array(200).keys(), Number.NaN]);
    expect(seen).toBe(stream.text.length);
  });

  test('next is called for OPTIONS, so that CORS middleware further down can answer', async () => {
    const { url } = await start({}, (sse) => {
      const app = express();
      app.use(sse.handler);
      app.options('/', (_req, res) => void res.status(200).send('mine'));
      return app;
    });
    expect(await (await fetch(url, { method: 'OPTIONS' })).text()).toBe('mine');
  });
});

describe('a client that is gone', () => {
  test('before serve is called leaves nothing behind, and its source is given back', async () => {
    const arrived = later<() => Promise<void>>();
    const feed = handFed();
    const { sse, port } = await start({}, (server) => (req, res) => {
      arrived.resolve(async () => {
        await new Promise((resolve) => (res.destroyed ? resolve(undefined) : res.once('close', resolve)));
        await server.serve(req, res, { channels: ['all'], source: feed.source });
      });
    });
    const client = new RawClient(port).send(get());
    const serve = await arrived.promise;
    client.socket.destroy();
    await serve();
    expect(await sse.stats()).toMatchObject({ subscribers: 0, channels: 0 });
    expect(feed.counts).toEqual({ pulled: 0, returned: 1 });
  });

  test('leaves nothing behind, whether it says good-bye or not', async () => {
    const { sse, port } = await start();
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const client = new RawClient(port).send(get());
      await client.got('tinysse:position');
      expect((await sse.stats()).subscribers).toBe(1);
      client.socket[leave]();
      while ((await sse.stats()).subscribers > 0) await new Promise(setImmediate);
    }
    expect((await sse.stats()).channels).toBe(0);
  });

  test("among many ends nobody else's stream", async () => {
    const { sse, url } = await start();
    const streams = await Promise.all(Array.from({ length: 20 }, () => open(url)));
    for (const [n, stream] of streams.entries()) if (n % 2) stream.leave();
    await sse.publish('one', 'all');
    await sse.publish('two', 'all');
    for (const [n, stream] of streams.entries()) if (n % 2 === 0) await stream.got('two');
  });
});
