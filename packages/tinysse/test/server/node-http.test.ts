import express from 'express';
import { describe, expect, test } from 'vitest';
import { later, start } from './parts.js';
import { dechunk, get, RawClient } from './raw.js';
import { framesOf, open, openUnread } from './stream.js';

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

describe('over HTTP/1.1', () => {
  test('headers and the first frame leave at once', async () => {
    const { port } = await start();
    const client = new RawClient(port).send(get());
    await client.got('tinysse:position');
    expect(client.head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const headers = Object.fromEntries(
      client.head
        .split('\r\n')
        .slice(1, -2)
        .map((line) => line.toLowerCase().split(': ')),
    );
    expect(headers).toMatchObject({ ...HEADERS, connection: 'keep-alive', 'transfer-encoding': 'chunked' });
    expect(framesOf(dechunk(client.body).text)).toHaveLength(2);
  });

  test('every chunk is framed as the protocol says, whatever its size', async () => {
    const { sse, port } = await start();
    const client = new RawClient(port).send(get());
    await client.got('tinysse:position');
    const sizes = [0, 1, 15, 16, 17, 255, 256, 4_095, 4_096, 40_000];
    for (const size of sizes) await sse.publish('ž'.repeat(size), 'all');
    await sse.publish('marker', 'all');
    await client.until(() => dechunk(client.body).text.includes('data: marker\n\n'));
    const text = Buffer.from(dechunk(client.body).text, 'latin1').toString();
    const lengths = framesOf(text).flatMap(({ event, data }) => (event || data === undefined ? [] : [data.length]));
    expect(lengths).toEqual([...sizes, 6]);
  });

  test('a second request on the connection works after a stream has ended', async () => {
    const { sse, port } = await start();
    const client = new RawClient(port).send(get());
    await client.got('tinysse:position');
    expect(await sse.disconnect({ channel: 'all' })).toBe(1);
    await client.until(() => dechunk(client.body).ended);
    client.text = '';
    client.send(get());
    await client.got('tinysse:position');
    await sse.publish('again', 'all');
    await client.got('data: again');
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test('a pipelined request waits until the stream before it has ended, and takes no place meanwhile', async () => {
    const { sse, port } = await start({
      channelProvider: { resolveChannels: ({ url }) => [new URL(url).pathname.slice(1)] },
    });
    const client = new RawClient(port).send(get('/one') + get('/two'));
    await client.got('tinysse:position');
    const other = new RawClient(port).send(get('/one') + get('/two').repeat(20));
    await other.got('tinysse:position');
    expect((await sse.stats()).subscribers).toBe(2);
    await sse.publish('for one', 'one');
    await Promise.all([client.got('for one'), other.got('for one')]);
    other.socket.destroy();
    while ((await sse.stats()).subscribers > 1) await new Promise(setImmediate);
    sse.disconnect({ channel: 'one' });
    while ((await sse.stats({ channel: 'two' })).subscribers < 1) await new Promise(setImmediate);
    await sse.publish('for two', 'two');
    await client.got('for two');
    const { rest } = dechunk(client.body);
    const second = rest.slice(rest.indexOf('\r\n\r\n') + 4);
    expect(framesOf(dechunk(second).text).map(({ data }) => data)).toEqual([undefined, '15000', 'for two']);
  });

  test('HEAD gets the headers and nothing else', async () => {
    const { sse, url } = await start();
    const stream = await (await open(url, { method: 'HEAD' })).toEnd();
    expect([stream.status, stream.text]).toEqual([200, '']);
    expect(stream.headers).toMatchObject(HEADERS);
    expect((await sse.stats()).subscribers).toBe(0);
  });

  test('OPTIONS opens no stream and asks no provider', async () => {
    const asked: string[] = [];
    const { sse, url } = await start({
      channelProvider: {
        resolveChannels({ method }) {
          asked.push(method);
          return ['all'];
        },
      },
    });
    const stream = await (await open(url, { method: 'OPTIONS' })).toEnd();
    expect([stream.status, stream.text, stream.headers.allow]).toEqual([204, '', 'GET, HEAD, POST']);
    expect([(await sse.stats()).subscribers, asked]).toEqual([0, []]);
  });

  test('a client that does not read holds nobody up', async () => {
    const { sse, url } = await start();
    await openUnread(url);
    const reading = await open(url);
    const big = 'x'.repeat(100_000);
    for (let n = 0; n < 100; n++) {
      await sse.publish(`${n} ${big}`, 'all');
      await reading.until(() => reading.text.length > (n + 1) * big.length);
    }
    expect((await sse.stats()).behind).toBe(1);
    expect(reading.control('reset')).toEqual([]);
  });

  test.each(['POST', 'PUT', 'QUERY'])('%s opens a stream', async (method) => {
    const { sse, url } = await start();
    const stream = await open(url, { method, body: 'question' });
    await sse.publish('answer', 'all');
    await stream.got('answer');
  });

  test('no Accept header is needed', async () => {
    const { port } = await start();
    await new RawClient(port).send(get()).got('tinysse:position');
  });
});

describe('over HTTP/1.0', () => {
  test('nothing is chunked, and the end of the stream is the end of the connection', async () => {
    const { sse, port } = await start();
    const client = new RawClient(port).send(get('/', {}, '1.0'));
    await client.got('tinysse:position');
    for (let n = 0; n < 20; n++) await sse.publish(`event ${n}`, 'all');
    await client.got('event 19');
    expect(client.head.toLowerCase()).not.toContain('transfer-encoding');
    expect(framesOf(client.body)).toHaveLength(22);
    sse.disconnect({ channel: 'all' });
    await client.toEnd();
  });
});

describe('the body of a POST', () => {
  const body = JSON.stringify({ question: 'x'.repeat(200_000) });

  test('may be read before the stream begins', async () => {
    const { url } = await start({}, (sse) => {
      const app = express();
      app.post('/', express.json({ limit: '1mb' }), (req, res) => {
        const source = [{ data: String(req.body.question.length) }];
        void sse.serve(req, res, { source });
      });
      return app;
    });
    const stream = await open(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    await stream.toEnd();
    expect(stream.data).toEqual(['200000']);
  });

  test('may be read after the stream has begun', async () => {
    const { url } = await start({}, (sse) => async (req, res) => {
      async function* answer() {
        let length = 0;
        for await (const bytes of req) length += bytes.length;
        yield { data: String(length) };
      }
      await sse.serve(req, res, { source: answer() });
    });
    const stream = await (await open(url, { method: 'POST', body })).toEnd();
    expect(stream.data).toEqual([String(body.length)]);
  });

  test('that nobody reads does not hold the stream back', async () => {
    const { sse, url } = await start();
    const stream = await open(url, { method: 'POST', body });
    await sse.publish('event', 'all');
    await stream.got('event');
  });

  test('whose end closes the request does not end the stream', async () => {
    const closed = later();
    const { sse, url } = await start({}, (server) => (req, res) => {
      req.resume().once('close', closed.resolve);
      server.handler(req, res);
    });
    const stream = await open(url, { method: 'POST', body });
    await closed.promise;
    await sse.publish('event', 'all');
    await stream.got('event');
  });
});
