import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, errorOf, post, Raw, subscribe } from './http.js';
import { type Hub, openHub } from './program.js';

const MOST = 2 ** 20;

let hub: Hub;
let target: string;
beforeAll(async () => {
  hub = await openHub();
  target = `${hub.url}/publish?channel=demo`;
});
afterAll(() => hub?.program.end());

const begin = (headers: string): Raw =>
  new Raw(hub.port, `POST /publish?channel=demo HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n${headers}\r\n`);

test('curl -d publishes text, whatever it calls it', async () => {
  const stream = await subscribe(hub.port, 'channel=demo');
  expect((await post(target, 'topic=cats')).status).toBe(200);
  await stream.until('data: topic=cats\n\n');
});

test('an empty body is an event too', async () => {
  const stream = await subscribe(hub.port, 'channel=empty');
  expect((await post(`${hub.url}/publish?channel=empty`, '')).status).toBe(200);
  await stream.until('data: \n\n');
});

test('a form as Mercure takes it is refused with a hint', async () => {
  for (const body of ['topic=https%3A%2F%2Fexample.org%2F1&data=hello', 'data=x&topic=y', 'id=1&topic=y&data=']) {
    const answer = await post(target, body, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' });
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toMatch(/Mercure.*POST \/publish\?channel=NAME/);
  }
  expect((await post(target, 'topic=y&data=x', { 'content-type': 'text/plain' })).status).toBe(200);
});

test.each([
  ['a stray byte', new Uint8Array([104, 255])],
  ['half a character', new Uint8Array([0xe2, 0x82])],
  ['a surrogate', new Uint8Array([0xed, 0xa0, 0x80])],
])('a body that is not UTF-8 is refused: %s', async (_, body) => {
  const answer = await post(target, body);
  expect([answer.status, errorOf(answer).code]).toEqual([400, 'INVALID_DATA']);
  expect(errorOf(answer).message).toContain('UTF-8');
});

test('a character that arrives in two pieces is whole', async () => {
  const stream = await subscribe(hub.port, 'channel=demo');
  const bytes = Buffer.from('price: 5 €.');
  const raw = begin(`Content-Length: ${bytes.length}\r\nExpect: 100-continue\r\n`);
  await raw.until('100 Continue');
  raw.socket.write(bytes.subarray(0, 10));
  raw.socket.write(bytes.subarray(10));
  await raw.until('200 OK');
  await stream.until('data: price: 5 €.\n\n');
});

test('a body that is known to be too long is refused before it is sent', async () => {
  const raw = begin(`Content-Length: ${MOST + 1}\r\nExpect: 100-continue\r\n`);
  await raw.closed;
  expect(raw.received).toMatch(/^HTTP\/1.1 413 [^]*connection: close[^]*EVENT_TOO_LARGE/);
});

test.each(['multipart/form-data; boundary=x', 'Multipart/Mixed'])(
  'a form of several parts is refused, saying how it is done: %s',
  async (type) => {
    const raw = begin(`Content-Type: ${type}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n`);
    await raw.until('the data is the whole body');
    expect(raw.received).toMatch(/^HTTP\/1\.1 400 [^]*INVALID_DATA/);
  },
);

test('an expectation that is none of HTTP is refused', async () => {
  const raw = begin('Content-Length: 1\r\nExpect: miracles\r\n');
  await raw.until('EXPECTATION_FAILED');
  expect(raw.received).toMatch(/^HTTP\/1\.1 417 /);
});

test('a body that turns out to be too long is refused while it comes', async () => {
  const raw = begin('Transfer-Encoding: chunked\r\n');
  const chunk = `10000\r\n${'x'.repeat(2 ** 16)}\r\n`;
  for (let sent = 0; sent <= MOST; sent += 2 ** 16) raw.socket.write(chunk);
  await raw.until('EVENT_TOO_LARGE');
  // It may end its body, and is let go.
  raw.socket.write('0\r\n\r\n');
  await raw.closed;
});

test('a client that goes on sending for ever is cut off', async () => {
  const answer = await new Promise<number>((resolve, reject) => {
    const sent = request(target, { method: 'POST', agent: false });
    const feed = (): void => {
      while (!sent.destroyed && sent.write(Buffer.alloc(2 ** 18, 120)));
    };
    let status = 0;
    sent.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.resume();
    });
    sent.on('drain', feed);
    sent.on('error', () => (status ? resolve(status) : reject(new Error('cut off without an answer'))));
    sent.on('close', () => resolve(status));
    feed();
  });
  expect(answer).toBe(413);
});

test('a body of 1 MiB is read; as an event it is a little too long', async () => {
  expect((await post(target, 'x'.repeat(MOST - 100))).status).toBe(200);
  const answer = await post(target, 'x'.repeat(MOST));
  expect([answer.status, errorOf(answer).message]).toEqual([413, expect.stringContaining('on the wire')]);
});

test('a client that leaves in the middle publishes nothing', async () => {
  const stream = await subscribe(hub.port, 'channel=demo');
  const raw = begin('Content-Length: 10\r\nExpect: 100-continue\r\n');
  await raw.until('100 Continue');
  raw.socket.end('half');
  await raw.closed;
  await post(target, 'next');
  await stream.until('data: next\n\n');
  expect(stream.received).not.toContain('half');
});

test('a connection is kept after a refusal that cost little', async () => {
  const answer = await ask(`${hub.url}/publish`, { method: 'POST', headers: { connection: 'keep-alive' } }, 'x');
  expect([answer.status, answer.headers.connection]).toEqual([400, 'keep-alive']);
});
