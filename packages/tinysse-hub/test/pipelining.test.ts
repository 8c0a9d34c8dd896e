import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { inOrder } from '../src/http/in-order.js';
import { peek } from '../src/http/peek.js';
import { ask, Raw } from './http.js';
import { startHub } from './program.js';

const get = (target: string, port: number, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`;
/** What no usual client sends, so that node:http reads the request. */
const UNUSUAL = 'X-Other: 1\r\n';

describe.each([
  ['read by the fast path', ''],
  ['read by node:http', UNUSUAL],
])('requests of one connection, the first %s,', (_, first) => {
  test('take one place however many streams they ask for, and give it back with the connection', async () => {
    const { url, port } = await startHub(['--max-connections-per-address', '3']);
    const raw = new Raw(port, get('/events?channel=a', port, first));
    await raw.until('tinysse:position');
    raw.socket.write(get('/events?channel=a', port).repeat(16));
    // A second client's stream begins after the hub has read all of that.
    const open = async () => (await ask(`${url}/channels`)).text;
    await expect.poll(open).toContain('"subscribers":1');
    const others = [0, 1].map(() => new Raw(port, get('/events?channel=b', port)));
    for (const other of others) await other.until('tinysse:position');
    expect(await open()).toContain('{"channel":"a","subscribers":1,');
    raw.socket.destroy();
    await expect.poll(open).not.toContain('"channel":"a"');
    await new Raw(port, get('/events?channel=c', port)).until('tinysse:position');
  });

  test('are cut off when those that wait have more headers together than one may have', async () => {
    const { url, port } = await startHub();
    const raw = new Raw(port, get('/events?channel=a', port, first));
    await raw.until('tinysse:position');
    const long = get('/events?channel=a', port, `X-Long: ${'x'.repeat(60_000)}\r\n`);
    raw.socket.write(long);
    // The hub reads this connection before it answers on another one.
    await ask(`${url}/healthz`);
    expect(raw.socket.destroyed).toBe(false);
    raw.socket.write(long.repeat(2));
    await raw.closed;
  });

  test('are cut off when more than 16 wait behind a stream', async () => {
    const { port } = await startHub();
    const raw = new Raw(port, get('/events?channel=a', port, first));
    await raw.until('tinysse:position');
    raw.socket.write(get('/events?channel=a', port).repeat(17));
    await raw.closed;
  });

  test('may end with a line end too many: the stream goes on', async () => {
    const { url, port } = await startHub();
    const raw = new Raw(port, `${get('/events?channel=a', port, first)}`);
    await raw.until('tinysse:position');
    raw.socket.write('\r\n');
    // The hub reads this connection before it answers on another one.
    await ask(`${url}/healthz`);
    await ask(`${url}/publish?channel=a`, { method: 'POST' }, 'still here');
    await raw.until('data: still here');
  });
});

test('publishes that are sent together are published and answered in order', async () => {
  const { port } = await startHub();
  const publish = `POST /publish?channel=a HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1\r\n\r\nx`;
  const raw = new Raw(port, publish.repeat(17));
  await raw.until('-17"}');
  const offsets = [...raw.received.matchAll(/-(\d+)"\}/g)].map(([, offset]) => Number(offset));
  expect(offsets).toEqual(Array.from({ length: 17 }, (_, i) => i + 1));
});

/** A server whose answers last until they are ended here. */
async function streaming(peeking: boolean): Promise<{ port: number; streams: ServerResponse[]; sockets: Socket[] }> {
  const streams: ServerResponse[] = [];
  const sockets: Socket[] = [];
  const server = createServer(
    inOrder((_, res) => {
      res.sendDate = false;
      res.shouldKeepAlive = false;
      res.writeHead(200).flushHeaders();
      streams.push(res);
    }, 16_384),
  );
  server.on('connection', (socket) => sockets.push(socket));
  const close = peeking ? peek(server) : () => {};
  if (peeking) server.prependListener('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    close();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, streams, sockets };
}

/** What a client hears that sends `rest` after the head of its stream has come, when the stream is then ended. */
async function transcript(peeking: boolean, rest: string): Promise<string> {
  const { port, streams, sockets } = await streaming(peeking);
  const head = get('/events?channel=a', port);
  const raw = new Raw(port, head);
  await raw.until('\r\n\r\n');
  raw.socket.write(rest);
  const [socket] = sockets as [Socket];
  const read = (): boolean => socket.destroyed || socket.bytesRead >= head.length + rest.length;
  await expect.poll(read).toBe(true);
  await new Promise(setImmediate);
  if (!socket.destroyed) streams[0]?.end('the end');
  await raw.closed;
  return `${raw.received}, ${streams.length} streams`;
}

test.each([
  '\r\n',
  '\n',
  '\r\n\r\n',
  'GARBAGE\r\n\r\n',
  '\r\nGARBAGE\r\n\r\n',
  'GET /',
  '\0',
  'GET /events?channel=b HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\nGET /events?channel=b HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /events?channel=b HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n',
  'POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe',
])('what comes after a request is treated as node:http treats it: %j', async (rest) => {
  expect(await transcript(true, rest)).toBe(await transcript(false, rest));
});
