import { body, goodToken, mutate, query, token } from './parts.js';
import type { Random } from './random.js';

const PATHS = [
  '/events',
  '/events',
  '/publish',
  '/publish',
  '/channels',
  '/disconnect',
  '/healthz',
  '/',
  '/nope',
  '//',
  '/console/page.js',
];
/** As pages of browsers, files and apps send them. */
const ORIGINS = [
  'null',
  'http://evil.example',
  'http://',
  'http://[',
  'file://',
  'capacitor://localhost',
  'about:blank',
];
const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'PATCH',
  'TRACE',
  'get',
  'POST\t',
];

/** Bytes that a client might send as a request; hardly any is a good one. Each has one part that is odd, or all are. */
export function request(random: Random, port: number): Buffer {
  return random.pick([oddHead, oddQuery, oddBody, oddToken])(random, port);
}

function oddQuery(random: Random, port: number): Buffer {
  const target = random.pick(['GET /events', 'GET /events', 'POST /publish', 'GET /channels', 'POST /disconnect']);
  const good = random.chance(0.5) ? '' : `${random.chance(0.5) ? '&' : '?'}channel=a`;
  return plain(port, target + query(random) + good, [`Authorization: Bearer ${goodToken()}`], Buffer.from('x'));
}

function oddBody(random: Random, port: number): Buffer {
  const lines = random.chance(0.6);
  const bytes = body(random);
  const length = random.pick([bytes.length, bytes.length, bytes.length, 10_000_000]);
  const framed = random.chance(0.7);
  const headers = [
    `Authorization: Bearer ${goodToken()}`,
    `Content-Type: ${lines ? 'application/x-ndjson' : random.pick(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])}`,
    framed ? `Content-Length: ${length}` : 'Transfer-Encoding: chunked',
  ];
  return plain(port, `POST /publish${lines ? '' : '?channel=a'}`, headers, framed ? bytes : chunks(random, bytes));
}

function oddToken(random: Random, port: number): Buffer {
  const one = token(random).replace(/[^\x21-\x7e]/g, '');
  const [target, ...headers] = random.pick([
    ['POST /publish?channel=a', `Authorization: Bearer ${one}`, 'Content-Length: 0'],
    ['GET /events?channel=a', `Authorization: Bearer ${one}`],
    ['GET /events?channel=b', `Cookie: x=y; access_token=${one}`],
    [`GET /events?channel=b&access_token=${encodeURIComponent(one)}`],
    ['GET /channels', `Authorization: bearer  ${one} `],
  ]);
  return plain(port, target as string, headers, Buffer.alloc(0));
}

/** A request that is well-formed but for what it is given. */
const plain = (port: number, target: string, headers: string[], bytes: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`${[`${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers].join('\r\n')}\r\n\r\n`),
    bytes,
  ]);

function oddHead(random: Random, port: number): Buffer {
  const bytes = body(random);
  const [method, target, headers] = [random.pick(METHODS), random.pick(PATHS) + query(random), head(random, port)];
  const length = random.pick(['right', 'right', 'right', 'none', 'chunked', 'odd', 'both']);
  if (length === 'right' && method !== 'GET') headers.push(`Content-Length: ${bytes.length}`);
  if (length === 'odd' || length === 'both')
    headers.push(
      `Content-Length: ${random.pick(['-1', '1e3', '99999999999999999999', '', '5, 5', `${bytes.length + 7}`, '0x5', '3'])}`,
    );
  if (length === 'chunked' || length === 'both')
    headers.push(
      `Transfer-Encoding: ${random.pick(['chunked', 'chunked', 'gzip, chunked', 'identity', 'chunked, x', 'CHUNKED '])}`,
    );
  const lines = [
    `${method} ${form(random, target, port)} ${random.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', ''])}`,
    ...headers,
  ];
  const text = `${lines.join(random.chance(0.97) ? '\r\n' : '\n')}\r\n\r\n`;
  // As latin1: each byte of what was text of several bytes a character.
  const start = Buffer.from(random.chance(0.2) ? mutate(random, text) : text, random.chance(0.5) ? 'latin1' : 'utf8');
  const whole = Buffer.concat([start, length === 'chunked' || length === 'both' ? chunks(random, bytes) : bytes]);
  if (random.chance(0.03)) return random.bytes(random.number(500));
  if (random.chance(0.05)) return Buffer.concat([whole, whole, random.bytes(20)]);
  return random.chance(0.1) ? whole.subarray(0, random.number(whole.length + 1)) : whole;
}

/** A target as the rules allow it, or do not. */
const form = (random: Random, target: string, port: number): string =>
  random.chance(0.9)
    ? target
    : random.pick([
        `http://127.0.0.1:${port}${target}`,
        `http://user:password@127.0.0.1:${port}${target}`,
        `HTTPS://evil.example${target}`,
        'http://',
        'http://[',
        '*',
        '',
        '\\',
        `${target}#x`,
        `/${'a'.repeat(70_000)}`,
        `:${port}`,
      ]);

function head(random: Random, port: number): string[] {
  const headers = random.chance(0.9)
    ? [`Host: 127.0.0.1:${port}`]
    : random.pick([
        [],
        ['Host: a', 'Host: b'],
        [`Host: 127.0.0.1:${port}`, `host: 127.0.0.1:${port}`],
        ['Host: \0'],
        ['Host: [::'],
        ['Host: localhost'],
      ]);
  const more: (() => string)[] = [
    () => `Authorization: Bearer ${clean(token(random))}`,
    () => `Authorization: ${random.pick(['Bearer', 'Basic eDp5', 'Bearer  ', 'bearer a b', clean(random.text())])}`,
    () => `Cookie: access_token=${clean(token(random))}; ${clean(random.text())}`,
    () =>
      `Last-Event-ID: ${random.pick(['0', '-', 'x'.repeat(3_000), `${'a'.repeat(16)}-${'9'.repeat(30)}`, clean(random.text())])}`,
    () => `Accept: ${random.pick(['text/event-stream', '*/*', clean(random.text())])}`,
    () => `Origin: ${random.pick([...ORIGINS, clean(random.text())])}`,
    () => `Early-Data: ${random.pick(['1', '0', clean(random.text())])}`,
    () => 'Access-Control-Request-Method: POST',
    () =>
      `Content-Type: ${random.pick(['application/x-ndjson', 'application/x-ndjson;x', 'application/x-www-form-urlencoded', 'text/plain'])}`,
    () => `Expect: ${random.pick(['100-continue', 'nothing'])}`,
    () => `Connection: ${random.pick(['close', 'keep-alive', 'upgrade', clean(random.text())])}`,
    () => `Upgrade: ${random.pick(['websocket', 'h2c'])}`,
    () =>
      `X-Forwarded-For: ${random.pick(['1.2.3.4', ',,,', '::1', clean(random.text()), '1.2.3.4:5, [::1]:6', '[', '1.2.3.4, '.repeat(500)])}`,
    () => `${clean(random.text(5))}: ${random.text(10)}`,
    () => ` folded: ${clean(random.text())}`,
    () => `X-Long: ${'y'.repeat(random.number(80_000))}`,
    () => Array.from({ length: random.number(3_000) }, (_, i) => `X-${i}: ${i}`).join('\r\n'),
  ];
  for (let n = random.number(5); n > 0; n--) headers.push(random.pick(more)());
  return headers;
}

const clean = (text: string): string => (text.length % 7 === 0 ? text : text.replace(/[\r\n]/g, ''));

function chunks(random: Random, bytes: Buffer): Buffer {
  const size = random.pick([
    bytes.length.toString(16),
    bytes.length.toString(16),
    'z',
    '-1',
    'fffffffffffffffff',
    '',
    `${bytes.length.toString(16)};x=y`,
  ]);
  const end = random.pick(['\r\n0\r\n\r\n', '\r\n0\r\n\r\n', '\r\n', '0\r\n\r\n', '\r\n0\r\nTrailer: x\r\n\r\n']);
  return Buffer.concat([Buffer.from(`${size}\r\n`), bytes, Buffer.from(end)]);
}
