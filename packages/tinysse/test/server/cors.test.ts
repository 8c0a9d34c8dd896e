import express from 'express';
import { describe, expect, test } from 'vitest';
import { code, start, unbound } from './parts.js';
import { open } from './stream.js';

const PAGE = 'https://app.example';
const ASKED = 'authorization, traceparent, x-api-key';
const preflight = {
  method: 'OPTIONS',
  headers: { origin: PAGE, 'access-control-request-method': 'GET', 'access-control-request-headers': ASKED },
};
const all = { channelProvider: { resolveChannels: () => ['all'] } };

/** The CORS headers of an answer. */
const cors = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));

/** Asks in both ways that a server is asked; the answers must be equal. */
async function ask(options: Parameters<typeof start>[0], init: RequestInit) {
  const { sse, url } = await start(options);
  const leave = new AbortController();
  const answers = [await fetch(url, { ...init, signal: leave.signal }), await sse.fetch(new Request(url, init))];
  const [one, other] = answers.map(({ status, headers }) => ({ status, ...cors(headers) }));
  leave.abort();
  expect(one).toEqual(other);
  return one!;
}

describe('cors', () => {
  test('lets pages of a named origin read streams, with cookies', async () => {
    expect(await ask({ cors: { origins: [PAGE] } }, { headers: { origin: PAGE } })).toEqual({
      status: 200,
      vary: 'Origin',
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After',
    });
  });

  test('lets every page read streams by *, without cookies', async () => {
    expect(await ask({ cors: { origins: '*' } }, { headers: { origin: PAGE } })).toEqual({
      status: 200,
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Retry-After',
    });
  });

  test.each(['https://other.example', `${PAGE}.evil.example`, 'http://app.example', 'null'])(
    'tells pages of %s nothing',
    async (origin) => {
      expect(await ask({ cors: { origins: [PAGE] } }, { headers: { origin } })).toEqual({
        status: 200,
        vary: 'Origin',
      });
      const asked = { ...preflight, headers: { ...preflight.headers, origin } };
      const { vary, ...rest }: Record<string, unknown> = await ask({ cors: { origins: [PAGE] } }, asked);
      expect([vary, rest]).toEqual(['Origin, Access-Control-Request-Headers', { status: 204 }]);
    },
  );

  test.each(['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'chrome-extension://abcdef'])(
    'takes the origin %s',
    async (origin) => {
      const answer = await ask({ cors: { origins: [PAGE, origin] } }, { headers: { origin } });
      expect(answer).toMatchObject({ 'access-control-allow-origin': origin });
    },
  );

  test('answers preflights without asking the channel provider, whatever headers a page wants to send', async () => {
    const channelProvider = { resolveChannels: () => Promise.reject(new Error('asked')) };
    expect(await ask({ cors: { origins: [PAGE] }, channelProvider }, preflight)).toEqual({
      status: 204,
      vary: 'Origin, Access-Control-Request-Headers',
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': ASKED,
      'access-control-max-age': '7200',
    });
  });

  test('lets pages read refusals, outages and responses of the provider', async () => {
    const resolvers = [
      () => Promise.reject(Object.assign(new Error('no'), { status: 403 })),
      () => Promise.reject(new TypeError()),
      () => new Response('mine', { status: 418, headers: { vary: 'Accept' } }),
    ];
    for (const [at, resolveChannels] of resolvers.entries()) {
      const options = { cors: { origins: [PAGE] }, channelProvider: { resolveChannels } };
      expect(await ask(options, { headers: { origin: PAGE } })).toMatchObject({
        status: [403, 503, 418][at],
        vary: at === 2 ? 'Accept, Origin' : 'Origin',
        'access-control-allow-origin': PAGE,
      });
    }
  });

  test('adds to what middleware lets vary', async () => {
    const { url } = await start({ cors: { origins: [PAGE] } }, (sse) => (req, res) => {
      res.setHeader('vary', 'Accept-Encoding');
      sse.handler(req, res);
    });
    const { headers } = await open(url, { headers: { origin: PAGE } });
    expect(headers.vary).toBe('Accept-Encoding, Origin');
  });

  test('answers preflights of an Express application and leaves other OPTIONS to it', async () => {
    const { url } = await start({ ...all, cors: { origins: [PAGE] } }, (sse) =>
      express()
        .use(sse.handler)
        .use((_req, res) => void res.status(299).end()),
    );
    const asked = await fetch(url, preflight);
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
    expect((await fetch(url, { method: 'OPTIONS' })).status).toBe(299);
  });

  test.each([
    [{ origins: ['app.example'] }, /no origin; write it as/],
    [{ origins: ['https://app.example/path'] }, /no origin/],
    [{ origins: PAGE }, /must be '\*' or an array/],
    [{ origins: [], origin: PAGE }, /cors\.origin is not an option/],
  ])('refuses %j', (options, message) => {
    expect(() => unbound({ cors: options as never })).toThrow(
      expect.objectContaining(code('INVALID_OPTION', { message: expect.stringMatching(message) as never })),
    );
  });
});
