import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { SSEError, type SSERequest, type SSEServerOptions } from 'tinysse';
import { expect, onTestFinished, test } from 'vitest';
import { unbound } from './parts.js';
import { framesOf, Incoming } from './stream.js';

async function startHttp2(options: SSEServerOptions = {}) {
  const { sse, logged } = unbound({ channelProvider: { resolveChannels: () => ['all'] }, ...options });
  const http = createServer((req, res) => sse.handler(req, res));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const session = connect(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  onTestFinished(() => {
    session.destroy();
    http.close();
  });
  return { sse, logged, session };
}

class Http2Stream extends Incoming {
  headers: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
  readonly stream: ClientHttp2Stream;

  constructor(session: ClientHttp2Session, headers: Record<string, string> = {}) {
    super();
    this.stream = session.request({ ':path': '/', ...headers }).end();
    this.stream.on('response', (received) => (this.headers = received));
    this.stream.setEncoding('utf8').on('data', (text: string) => this.add(text));
    this.stream.on('error', (error) => this.end(error));
    this.stream.on('close', () => this.end());
  }

  get data() {
    return framesOf(this.text).flatMap(({ event, data }) => (event || data === undefined ? [] : [data]));
  }
}

test('HTTP/2 gets a stream without connection headers', async () => {
  const { sse, session } = await startHttp2();
  const stream = new Http2Stream(session);
  await stream.until(() => stream.text.includes('tinysse:position'));
  expect(stream.headers).toMatchObject({
    ':status': 200,
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
  });
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) expect(stream.headers).not.toHaveProperty(name);
  await sse.publish('one', 'all');
  await sse.publish('two', 'all');
  await stream.until(() => stream.data.includes('two'));
  expect(stream.data).toEqual(['one', 'two']);
});

test('many HTTP/2 streams share a connection, and each ends alone', async () => {
  const { sse, session } = await startHttp2();
  const streams = Array.from({ length: 20 }, () => new Http2Stream(session));
  for (const stream of streams) await stream.until(() => stream.text.includes('tinysse:position'));
  for (const stream of streams.slice(10)) stream.stream.close();
  while ((await sse.stats()).subscribers > 10) await new Promise(setImmediate);
  await sse.publish('rest', 'all');
  for (const stream of streams.slice(0, 10)) await stream.until(() => stream.data.includes('rest'));
});

test('an HTTP/2 client that reads nothing for a while gets every event later', async () => {
  const { sse, session } = await startHttp2();
  const stream = new Http2Stream(session);
  await stream.until(() => stream.text.includes('tinysse:position'));
  stream.stream.pause();
  const big = 'x'.repeat(20_000);
  for (let n = 0; n < 200; n++) await sse.publish(`${n} ${big}`, 'all');
  await sse.publish('marker', 'all');
  while ((await sse.stats()).behind === 0) await new Promise(setImmediate);
  stream.stream.resume();
  await stream.until(() => stream.text.endsWith('data: marker\n\n'));
  expect(stream.data.map((data) => Number.parseInt(data, 10))).toEqual([...Array(200).keys(), Number.NaN]);
  while ((await sse.stats()).behind > 0) await new Promise(setImmediate);
});

test('an HTTP/2 connection that breaks leaves nothing behind', async () => {
  const { sse, session, logged } = await startHttp2();
  const stream = new Http2Stream(session);
  await stream.until(() => stream.text.includes('tinysse:position'));
  session.destroy();
  for (let n = 0; n < 10; n++) await sse.publish('late', 'all');
  while ((await sse.stats()).subscribers > 0) await new Promise(setImmediate);
  expect(logged).toEqual([]);
});

test('over HTTP/2 the provider sees the whole URL', async () => {
  const seen: SSERequest[] = [];
  const { session } = await startHttp2({
    channelProvider: {
      resolveChannels(request) {
        seen.push(request);
        return ['all'];
      },
    },
  });
  const stream = new Http2Stream(session, { ':path': '/a?b=c', ':authority': 'example.com:8443', cookie: 'x=1' });
  await stream.until(() => stream.text.includes('tinysse:position'));
  const [{ url, headers }] = seen as [SSERequest];
  expect([url, headers.get('cookie')]).toEqual(['http://example.com:8443/a?b=c', 'x=1']);
});

test('refusals, HEAD and OPTIONS work over HTTP/2', async () => {
  const { session } = await startHttp2({
    channelProvider: {
      resolveChannels: ({ method }) =>
        method === 'HEAD' ? ['all'] : Promise.reject(new SSEError('UNAUTHORIZED', 'no')),
    },
  });
  const answers = [];
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const stream = await new Http2Stream(session, { ':method': method }).toEnd();
    answers.push([stream.headers[':status'], stream.text]);
  }
  expect(answers).toEqual([
    [401, 'no\n'],
    [200, ''],
    [204, ''],
  ]);
});

test('an HTTP/2 stream ends orderly when the server closes', async () => {
  const { sse, session } = await startHttp2();
  const stream = new Http2Stream(session);
  await stream.until(() => stream.text.includes('tinysse:position'));
  await Promise.all([sse.close(), stream.toEnd()]);
  expect(stream.error).toBeUndefined();
  expect(framesOf(stream.text).at(-1)).toEqual({ retry: expect.any(String) });
});
