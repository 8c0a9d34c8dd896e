import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { readHead } from '../src/http/head.js';
import { peek } from '../src/http/peek.js';
import { Turns } from '../src/http/turns.js';
import { Raw, subscribe } from './http.js';
import { start } from './program.js';

/** Tells all that the server makes of a request. */
function echo(req: IncomingMessage, res: ServerResponse): void {
  const { method, url, headers, httpVersion } = req;
  res.sendDate = false;
  const answer = (body: string): void => void res.end(JSON.stringify({ method, url, headers, httpVersion, body }));
  if (method === 'GET' && url?.startsWith('/events?')) return answer('');
  let body = '';
  req.setEncoding('utf8').on('data', (text: string) => (body += text));
  req.on('end', () => answer(body));
}

/** A server that answers with what it understood. */
async function serving(peeking: boolean, taken: (socket: Socket) => void = () => {}): Promise<number> {
  const server = createServer({ keepAliveTimeout: 200, maxHeaderSize: 65_536 }, echo).on('connection', taken);
  const close = peeking ? peek(server) : () => {};
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    close();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** What comes back for bytes that are sent in these pieces, to the end of the connection. */
function answerTo(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1').setEncoding('latin1').setNoDelay(true);
    socket.on('data', (text: string) => (received += text)).on('error', () => {});
    socket.on('close', () => resolve(received));
    const [first = '', ...rest] = pieces;
    const send = (text: string, then: () => void): void => void socket.write(Buffer.from(text, 'latin1'), then);
    const next = (): void => {
      const piece = rest.shift();
      // A piece of its own for the server: the one before has been taken by the kernel, and a turn has passed.
      if (piece === undefined) socket.end();
      else setImmediate(() => send(piece, next));
    };
    send(first, next);
  });
}

const HOST = 'Host: 127.0.0.1:7730\r\n';
const get = (headers = HOST, target = '/events?channel=a') => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;

const name = fc.constantFrom(
  ...'Accept User-Agent Last-Event-ID Cookie Authorization Origin Sec-Fetch-Mode sec-ch-ua X-Forwarded-For'.split(' '),
  ...'Content-Length Transfer-Encoding Expect Upgrade Connection Te X-Other host Sec-WebSocket-Key __proto__'.split(
    ' ',
  ),
);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('text/event-stream', 'keep-alive', 'a=b; c="d"', '*/*', 'Bearer a.b.c') },
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', ' ', '\t', 'x\t', '\x00', '\x7f', '\xe9', 'a\r\n b', 'a\rb', 'a\nb', '0', 'chunked', 'upgrade'),
);
const field = fc.tuple(
  name,
  fc.constantFrom(': ', ': ', ': ', ':', ' : ', ':  ', ':\t'),
  value,
  fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', ' \r\n'),
);
const target = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('/events?channel=a', '/events?channel=user%3A1&lastEventId=0-1') },
  fc.constantFrom(
    '/events',
    '/publish?channel=a',
    'http://h/events?channel=a',
    '/events?a b',
    '/events?é',
    '/events?a#b',
    '*',
  ),
  fc.string({ maxLength: 8 }).map((text) => `/events?${text}`),
);
const head = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'get'),
    target,
    fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'http/1.1', 'HTTP/2.0'),
    fc.array(field, { maxLength: 4 }),
    fc.constantFrom(HOST, HOST, HOST, ''),
    fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '', '\r\nGET / HTTP/1.1\r\n\r\n', '\r\nx'),
  )
  .map(
    ([method, url, version, fields, host, end]) =>
      `${method} ${url} ${version}\r\n${host}${fields.flat().join('')}${end}`,
  );
/** A usual head with at most one unit changed: most of them are still accepted. */
const changed = fc
  .tuple(
    fc.constant(get(`${HOST}Accept: text/event-stream\r\nUser-Agent: x (y; z)\r\n`)),
    fc.nat(200),
    fc.oneof(fc.integer({ min: 32, max: 126 }), fc.integer({ min: 0, max: 255 })),
  )
  .map(([text, at, unit]) => text.slice(0, at) + String.fromCharCode(unit) + text.slice(at + 1));

test('every head that is accepted is read as node:http reads it, to the last byte', { timeout: 60_000 }, async () => {
  const port = await serving(false);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(head, changed, changed), async (text) => {
      const read = readHead(Buffer.from(text, 'latin1'));
      if (!read) return;
      accepted++;
      const [status, ...rest] = (await answerTo(port, [text])).split('\r\n');
      expect(status).toBe('HTTP/1.1 200 OK');
      // One answer: nothing of it was left over to be a next request, or a broken one.
      expect(JSON.parse(rest.at(-1) as string)).toEqual({ method: 'GET', httpVersion: '1.1', body: '', ...read });
    }),
    { numRuns: 2_500 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('a usual head of each kind of client is accepted', () => {
  const browser =
    `${HOST}Connection: keep-alive\r\nsec-ch-ua-platform: "Linux"\r\nCache-Control: no-cache\r\nAccept: text/event-stream\r\n` +
    'User-Agent: Mozilla/5.0 (X11) Chrome/1\r\nSec-Fetch-Site: same-origin\r\nReferer: http://a/\r\nAccept-Encoding: gzip, br\r\n' +
    'Accept-Language: en;q=0.9\r\nCookie: a=b\r\nLast-Event-ID: 0123456789abcdef-7\r\n';
  const curl = `${HOST}User-Agent: curl/8\r\nAccept: */*\r\n`;
  for (const headers of [browser, curl])
    expect(readHead(Buffer.from(get(headers)))?.headers.host).toBe('127.0.0.1:7730');
});

const post = `POST /publish HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`;
const unusual: Record<string, readonly string[]> = {
  'a POST, and another on the same connection': [post + post],
  'a stream asked for after another request': [post, get()],
  'two streams at once': [get() + get()],
  'a head that is followed by bytes': [`${get()}x`],
  'a long head': [get(`${HOST}Cookie: ${'c'.repeat(9_000)}\r\n`)],
  'a head that is too long': [get(`${HOST}Cookie: ${'c'.repeat(80_000)}\r\n`)],
  'a folded header': [get(`${HOST}Accept: a\r\n b\r\n`)],
  'a space before the colon': [get(`${HOST}Accept : a\r\n`)],
  'a header that is not ASCII': [get(`${HOST}Accept: \xe9\r\n`)],
  'a NUL in a header': [get(`${HOST}Accept: a\0b\r\n`)],
  'a lone LF': [get(`${HOST}Accept: a\n`)],
  'a lone CR': [get(`${HOST}Accept: a\rX: b\r\n`)],
  'no Host': [get('Accept: a\r\n')],
  'two Hosts': [get(HOST + HOST)],
  'a header twice': [get(`${HOST}Accept: a\r\nAccept: b\r\n`)],
  'a body of known length': [`${get(`${HOST}Content-Length: 2\r\n`)}hi`],
  'a body in chunks': [`${get(`${HOST}Transfer-Encoding: chunked\r\n`)}2\r\nhi\r\n0\r\n\r\n`],
  'both at once': [
    `${get(`${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n`)}0\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
  ],
  Expect: [get(`${HOST}Expect: 100-continue\r\n`)],
  Upgrade: [get(`${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n`)],
  'Connection: close': [get(`${HOST}Connection: close\r\n`)],
  'HTTP/1.0': [get().replace('HTTP/1.1', 'HTTP/1.0')],
  'an absolute target': [get(HOST, 'http://127.0.0.1/events?channel=a')],
  'a HEAD': [get().replace('GET', 'HEAD')],
  'another path': [get(HOST, '/healthz')],
  'no HTTP at all': ['\x16\x03\x01\x02\x00\x01'],
  nothing: [''],
};

test.each(Object.entries(unusual))('%s goes to node:http untouched', async (_, pieces) => {
  const [plain, peeked] = await Promise.all([serving(false), serving(true)]);
  expect(await answerTo(peeked, pieces)).toBe(await answerTo(plain, pieces));
});

const usual: Record<string, readonly string[]> = {
  'at once': [get()],
  // The kernel may put them together again.
  'in two pieces': [get().slice(0, 20), get().slice(20)],
  'in single bytes': [...get()],
};

test.each(Object.entries(usual))(
  'the answer to a usual head that comes %s is that of node:http, but for how the connection goes on',
  async (_, pieces) => {
    const [plain, peeked] = await Promise.all([serving(false), serving(true)]);
    const ending = (answer: string): string =>
      answer.replace(/Connection: (close|keep-alive\r\nKeep-Alive: timeout=\d+)\r\n/, '');
    expect(ending(await answerTo(peeked, pieces))).toBe(ending(await answerTo(plain, pieces)));
  },
);

test('a connection that is silent at first goes to node:http and is served', { timeout: 20_000 }, async () => {
  let taken = (): void => {};
  const left = new Promise<void>((resolve) => (taken = resolve));
  const raw = new Raw(await serving(true, () => taken()), '');
  await left;
  raw.socket.write(get());
  await raw.until('200 OK');
});

test('a stream on a bare connection hears its events, and ends with the client or the hub', async () => {
  const hub = start(['serve', '--memory', '--port', '0']);
  await hub.until(({ stdout }) => /http:\/\/[^\s]+:\d+/.test(stdout));
  const port = Number(/http:\/\/[^\s]+?:(\d+)/.exec(hub.stdout)?.[1]);
  const subscribers = async () =>
    /subscribers\{state="live"\} (\d+)/.exec(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())?.[1];
  const stays = await subscribe(port, 'channel=a');
  const halfCloses = await subscribe(port, 'channel=a');
  const leaves = await subscribe(port, 'channel=a');
  await fetch(`http://127.0.0.1:${port}/publish?channel=a`, { method: 'POST', body: 'hello' });
  for (const raw of [stays, halfCloses, leaves]) await raw.until('data: hello');
  halfCloses.socket.end();
  leaves.socket.destroy();
  await Promise.all([halfCloses.closed, leaves.closed]);
  await expect.poll(subscribers).toBe('1');
  const waiting = new Raw(port, '');
  expect(await hub.end('SIGTERM')).toBe(0);
  await Promise.all([stays.closed, waiting.closed]);
  expect(stays.received.endsWith('0\r\n\r\n')).toBe(true);
});

test('of a crowd that comes at once only some are answered in one turn, the others in the next ones, all in order', async () => {
  const turns = new Turns(3);
  const done: number[] = [];
  for (let i = 0; i < 8; i++) turns.take(() => done.push(i));
  expect(done).toEqual([0, 1, 2]);
  await new Promise(setImmediate);
  turns.take(() => done.push(8));
  expect(done).toEqual([0, 1, 2, 3, 4, 5]);
  await new Promise(setImmediate);
  expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await new Promise(setImmediate);
  turns.take(() => done.push(9));
  expect(done.at(-1)).toBe(9);
});

test('a crowd is answered, but for those who have left, half-closed or said more meanwhile', async () => {
  const port = await serving(true);
  const raws = Array.from({ length: 400 }, () => new Raw(port, ''));
  await Promise.all(raws.map(({ socket }) => socket.connecting && once(socket, 'connect')));
  // All in one turn: those at the end still wait when the server hears the rest of what they have to say.
  for (const { socket } of raws) socket.write(get());
  raws.at(-1)?.socket.destroy();
  raws.at(-2)?.socket.end();
  raws.at(-3)?.socket.write(get());
  await Promise.all(raws.slice(0, -3).map((raw) => raw.until('200 OK')));
  await Promise.all(raws.slice(-3).map(({ closed }) => closed));
  expect(await answerTo(port, [get()])).toContain('200 OK');
});
