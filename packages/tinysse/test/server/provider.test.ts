import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { type ChannelProvider, type ConnectContext, SSEError, type SSERequest } from 'tinysse';
import { describe, expect, test } from 'vitest';
import { later, listen, start } from './parts.js';
import { get, RawClient } from './raw.js';
import { open } from './stream.js';

type Resolve = ChannelProvider['resolveChannels'];
const withProvider = (resolveChannels: Resolve, options = {}) =>
  start({ channelProvider: { resolveChannels }, ...options });
const throwing = (error: unknown) => withProvider(() => Promise.reject(error));
const own = (status: number, message: string) => Object.assign(new Error(message), { status });
const coded = (code: string | number, more = {}) =>
  Object.assign(new Error('secret of the database'), { code, ...more });
const anotherCopy = (code: string, message: string) => Object.assign(new Error(message), { name: 'SSEError', code });
const plainly = { headers: { accept: '*/*' } };

describe('the channel provider', () => {
  test('resolves the channels of a connection', async () => {
    const { sse, url } = await withProvider(() => ['user:1', 'all']);
    const stream = await open(url);
    await sse.publish('for another', 'user:2');
    await sse.publish('for me', 'user:1');
    await sse.publish('for all', 'all');
    await stream.got('for all');
    expect(stream.data).toEqual(['for me', 'for all']);
  });

  test('sees method, whole URL, headers, and the request of the runtime', async () => {
    const seen: { request: SSERequest; context: ConnectContext }[] = [];
    const { url, port } = await withProvider((request, context) => {
      seen.push({ request, context });
      return ['all'];
    });
    await open(`${url}/a/b?c=d`, { method: 'POST', headers: { cookie: 'x=1; y=2', 'x-many': ['1', '2'] } });
    const [{ request, context }] = seen as [(typeof seen)[0]];
    expect([request.method, request.url]).toEqual(['POST', `http://127.0.0.1:${port}/a/b?c=d`]);
    expect([request.headers.get('Cookie'), request.headers.get('x-many')]).toEqual(['x=1; y=2', '1, 2']);
    expect(request.signal.aborted).toBe(false);
    expect(context.raw).toMatchObject({ url: '/a/b?c=d', httpVersion: '1.1' });
  });

  test('is told when the client leaves while it is thinking, and nothing is left of that client', async () => {
    const asked = later<SSERequest>();
    const answer = later<string[]>();
    const { sse, port, logged } = await withProvider((request) => {
      asked.resolve(request);
      return answer.promise;
    });
    const client = new RawClient(port).send(get());
    const { signal } = await asked.promise;
    const told = new Promise((resolve) => signal.addEventListener('abort', resolve));
    client.socket.destroy();
    await told;
    answer.resolve(['all']);
    await new Promise(setImmediate);
    expect(await sse.stats()).toMatchObject({ subscribers: 0, channels: 0 });
    expect(logged).toEqual([]);
  });

  test('that is missing is said with status 500', async () => {
    const { url } = await start({ channelProvider: undefined });
    const { status, text } = await (await open(url)).toEnd();
    expect([status, text]).toEqual([500, 'channel provider not configured\n']);
  });

  test('may answer with a Response of its own', async () => {
    const bytes = new Uint8Array([0, 255, 10, 128]);
    const { url } = await withProvider(
      () =>
        new Response(bytes, {
          status: 418,
          headers: [
            ['x-mine', '1'],
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        }),
    );
    const response = await fetch(url);
    expect([response.status, response.headers.get('x-mine'), response.headers.getSetCookie()]).toEqual([
      418,
      '1',
      ['a=1', 'b=2'],
    ]);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  test('may redirect, without a body', async () => {
    const { url } = await withProvider(() => Response.redirect('http://localhost/login', 302));
    const response = await fetch(url, { redirect: 'manual' });
    expect([response.status, response.headers.get('location'), await response.text()]).toEqual([
      302,
      'http://localhost/login',
      '',
    ]);
  });
});

test.each([301, 302, 303, 307, 308, 421, 425])(
  'a response of the provider with status %i is sent unchanged',
  async (status) => {
    const headers = { location: 'https://other.example/', 'retry-after': '1' };
    const { sse, url } = await withProvider(() => new Response(null, { status, headers }));
    for (const response of [await fetch(url, { redirect: 'manual' }), await sse.fetch(new Request(url))])
      expect([response.status, response.headers.get('location'), response.headers.get('retry-after')]).toEqual([
        status,
        'https://other.example/',
        '1',
      ]);
  },
);

describe('a refusal by the channel provider', () => {
  test.each([
    ['an error with status 401', Object.assign(new Error('sign in first'), { status: 401 }), 401],
    ['an error with status 403', Object.assign(new Error('sign in first'), { status: 403 }), 403],
    ['an error with statusCode 403', Object.assign(new Error('sign in first'), { statusCode: 403 }), 403],
    ['an SSEError UNAUTHORIZED', new SSEError('UNAUTHORIZED', 'sign in first'), 401],
    ['an error that another error was caused by', new Error('no', { cause: own(401, 'sign in first') }), 401],
    [
      'an error that says it may be shown',
      Object.assign(own(403, 'sign in first'), { expose: true, response: {} }),
      403,
    ],
    ['an SSEError of another copy of tinysse', anotherCopy('UNAUTHORIZED', 'sign in first'), 401],
    ['an SSEError FORBIDDEN', new SSEError('FORBIDDEN', 'sign in first'), 403],
    ['an error with status and code', Object.assign(new Error('sign in first'), { status: 401, code: 'E_TOKEN' }), 401],
  ])('%s is sent with its message', async (_, error, status) => {
    const { url, logged } = await throwing(error);
    const stream = await (await open(url)).toEnd();
    expect([stream.status, stream.text, stream.headers['content-type']]).toEqual([
      status,
      'sign in first\n',
      'text/plain; charset=utf-8',
    ]);
    expect(logged).toEqual([]);
  });

  test('thrown without a promise counts the same', async () => {
    const { url } = await withProvider(() => {
      throw new Error('no');
    });
    expect((await open(url)).status).toBe(401);
  });

  test('is JSON where the server is told so', async () => {
    const { url } = await withProvider(() => Promise.reject(own(401, 'no')), { refusalBody: 'json' });
    const response = await fetch(url);
    expect([response.status, await response.json()]).toEqual([401, { error: { code: 'UNAUTHORIZED', message: 'no' } }]);
  });
});

describe('a refusal whose text was not made for clients', () => {
  const unexpected: [string, unknown, number][] = [
    ['a plain Error', new Error('duplicate key value violates "secret_pk"'), 401],
    ['an error of a class of its own', new (class Denied extends Error {})('secret'), 401],
    ['an HTTP client told of a 401 of a server behind', coded('ERR_BAD_REQUEST', { status: 401, response: {} }), 401],
    ['an HTTP client told of a 404', Object.assign(own(404, 'GET http://secret/ 404'), { request: {} }), 404],
    ['an error that says it must not be shown', Object.assign(own(403, 'secret'), { expose: false }), 403],
  ];

  test.each(unexpected)('%s: keeps the text back and logs it', async (_, error, status) => {
    const { url, logged } = await throwing(error);
    const stream = await (await open(url)).toEnd();
    expect([stream.status, stream.text]).toEqual([status, status === 401 ? 'not authorized\n' : 'not allowed\n']);
    expect(logged).toEqual([[expect.stringContaining('message was not sent'), error]]);
  });

  test('that a token library gives is 401 with the code, and is nothing to log', async () => {
    const key = new TextEncoder().encode('a key of thirty-two bytes or more');
    const token = (secret: Uint8Array, at: string) =>
      new SignJWT({ secret: 'of the token' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(at).sign(secret);
    const expired = await token(key, '-1h');
    const forged = await token(key.slice().fill(7), '1h');
    const unsigned = `${btoa('{"alg":"none"}')}.${btoa('{}')}.`;
    const { url, logged } = await withProvider(async (request) => {
      const { payload } = await jwtVerify(request.headers.get('x-token') ?? '', key, { algorithms: ['HS256'] });
      return [String(payload.sub)];
    });
    for (const bad of [expired, forged, unsigned, 'no token at all', '']) {
      const stream = await (await open(url, { headers: { 'x-token': bad } })).toEnd();
      expect([stream.status, stream.text]).toEqual([
        401,
        expect.stringMatching(/^the token is not accepted \(ERR_\w+\)\n$/),
      ]);
    }
    expect(logged).toEqual([]);
  });

  test('that a token library gives is an outage when its keys cannot be fetched', async () => {
    const broken = await listen((_, res) => void res.writeHead(500).end());
    const keys = createRemoteJWKSet(new URL(broken.url));
    const token = `${btoa('{"alg":"RS256","kid":"1"}')}.${btoa('{}')}.${btoa('x')}`;
    const { url, logged } = await withProvider(async () => [String((await jwtVerify(token, keys)).payload.sub)]);
    expect((await open(url, plainly)).status).toBe(503);
    expect(logged).toEqual([['the channel provider failed', expect.objectContaining({ code: 'ERR_JOSE_GENERIC' })]]);
  });

  test.each([
    'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    'ERR_JWKS_NO_MATCHING_KEY',
    'ERR_JOSE_NOT_SUPPORTED',
    'FAST_JWT_EXPIRED',
    'FAST_JWT_MISSING_REQUIRED_CLAIM',
    'auth/id-token-revoked',
  ])('is 401 by the code %s, also as the cause of another error', async (name) => {
    for (const error of [coded(name), new Error('secret', { cause: coded(name) })]) {
      const { url } = await throwing(error);
      const stream = await (await open(url)).toEnd();
      expect([stream.status, stream.text]).toEqual([401, `the token is not accepted (${name})\n`]);
    }
  });
});

describe('an outage of the channel provider', () => {
  const outages: [string, unknown][] = [
    ['a TypeError', new TypeError('secret of the database')],
    ['a RangeError', new RangeError('secret of the database')],
    ['an error of the system', coded('ECONNREFUSED')],
    ['an error with an SQLSTATE', coded('23505')],
    ['an error with a code of Prisma', coded('P1001')],
    [
      'an error whose code has its own name',
      Object.assign(new Error('secret of the database'), { errorCode: 'P1001' }),
    ],
    ['an error with a number as its code', coded(20)],
    ['a token library without keys', coded('ERR_JWKS_TIMEOUT')],
    ['a token library that is set up wrongly', coded('FAST_JWT_INVALID_KEY')],
    ['an error that wraps an outage', new Error('secret of the database', { cause: coded('ECONNREFUSED') })],
    ['an error that wraps a mistake', new Error('secret of the database', { cause: new TypeError('fetch failed') })],
    ['an SSEError of another kind', new SSEError('LOG_UNAVAILABLE', 'secret of the database')],
    ['an error with status 500', Object.assign(new Error('secret of the database'), { status: 500 })],
    ['an error with status 503', Object.assign(new Error('secret of the database'), { statusCode: 503 })],
    ['something that is no Error', 'secret of the database'],
  ];

  test.each(outages)('%s ends an event stream with a time to come back, and is logged', async (_, error) => {
    const { url, logged } = await throwing(error);
    const stream = await (await open(url)).toEnd();
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(stream.text).toMatch(/^retry: \d+\n\n$/);
    expect(logged).toEqual([['the channel provider failed', error]]);
  });

  test.each(outages)('%s is 503 with Retry-After for all others, and its text is not sent', async (_, error) => {
    const { url } = await throwing(error);
    const stream = await (await open(url, plainly)).toEnd();
    expect(stream.status).toBe(503);
    expect(Number(stream.headers['retry-after'])).toBeGreaterThan(0);
    expect(stream.text).not.toContain('secret');
  });

  test('spreads the return of its clients', async () => {
    const { url } = await throwing(new TypeError());
    const streams = await Promise.all(Array.from({ length: 12 }, async () => (await open(url)).toEnd()));
    const waits = streams.map(({ frames }) => Number(frames[0]?.retry));
    expect(new Set(waits).size).toBeGreaterThan(1);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_000);
  });

  test.each([
    ['null', null],
    ['a string', 'all'],
    ['undefined', undefined],
  ])('is to answer with %s', async (_, answer) => {
    const { url, logged } = await withProvider(() => answer as never);
    expect((await open(url, plainly)).status).toBe(503);
    expect(logged).toHaveLength(1);
  });
});
