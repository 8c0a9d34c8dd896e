import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../tinysse/test/programs.js';
import { bearing, SECRET, tokenOf } from './auth/tokens.js';
import { launch } from './browser.js';
import { ask, errorOf, post, subscribe } from './http.js';
import { startHub } from './program.js';

const APP = 'https://app.example.com';
const OTHER = 'https://other.example.com';
const preflight = (url: string, origin: string, method = 'POST', headers = 'authorization') =>
  ask(url, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
  });
const leaveOf = (headers: object): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));

describe('--cors-origin', () => {
  test('lets pages of the origins that it names read every answer, refusals too, and nobody else', async () => {
    const { url, port } = await startHub(['--cors-origin', APP, '--cors-origin', 'http://localhost:5173']);
    const leave = {
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After',
    };
    for (const path of ['/events?channel=', '/channels', '/nope', '/metrics']) {
      const ours = await ask(url + path, { headers: { origin: APP } });
      expect([leaveOf(ours.headers), ours.headers.vary]).toEqual([leave, 'Origin']);
      const theirs = await ask(url + path, { headers: { origin: OTHER } });
      expect([leaveOf(theirs.headers), theirs.headers.vary]).toEqual([{}, 'Origin']);
      expect((await ask(url + path)).headers.vary).toBe('Origin');
    }
    const stream = await subscribe(port, 'channel=a', 'Origin: http://localhost:5173\r\n');
    expect(stream.received.toLowerCase()).toContain('access-control-allow-origin: http://localhost:5173\r\n');
    expect((await post(`${url}/publish?channel=a`, 'from a page', { origin: APP })).status).toBe(200);
    await stream.until('data: from a page');
    expect((await post(`${url}/publish?channel=a`, 'x', { origin: OTHER })).status).toBe(403);
  });

  test('is exact: no other scheme, port, suffix, prefix or letter case', async () => {
    const { url } = await startHub(['--cors-origin', APP]);
    for (const origin of [
      'http://app.example.com',
      `${APP}:8443`,
      `${APP}.evil.example`,
      'https://evilapp.example.com',
      'https://APP.example.com',
      `${APP}/`,
      'null',
      '*',
    ])
      expect(leaveOf((await ask(`${url}/channels`, { headers: { origin } })).headers)).toEqual({});
  });

  test('answers what a browser asks before it sends a header of ours, and lets it remember', async () => {
    const { url } = await startHub(['--cors-origin', APP, '--jwt-secret', SECRET]);
    const answer = await preflight(`${url}/publish?channel=a`, APP);
    expect([answer.status, answer.text, answer.headers.vary]).toEqual([204, '', 'Origin']);
    expect(leaveOf(answer.headers)).toEqual({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization',
      'access-control-max-age': '7200',
    });
    const stream = await preflight(`${url}/events?channel=a`, APP, 'GET');
    expect(stream.headers['access-control-allow-methods']).toBe('GET, HEAD');
    const theirs = await preflight(`${url}/events?channel=a`, OTHER, 'GET');
    expect([theirs.status, leaveOf(theirs.headers)]).toEqual([403, {}]);
    expect(errorOf(theirs).message).toBe(
      'pages of "https://other.example.com" may not use this hub; if they may, say so with --cors-origin',
    );
    expect((await preflight(`${url}/nope`, APP)).status).toBe(404);
  });

  test('lets a named page send every header that its libraries add, and no nonsense', async () => {
    const { url } = await startHub(['--cors-origin', APP]);
    const leave = async (headers: string) =>
      (await preflight(`${url}/events?channel=a`, APP, 'GET', headers)).headers['access-control-allow-headers'];
    const tracing = 'authorization,baggage,cache-control,last-event-id,sentry-trace,traceparent,x-datadog-origin';
    expect(await leave(tracing)).toBe(tracing);
    for (const nonsense of ['', 'a"b', `x${',a'.repeat(5_000)}`])
      expect(await leave(nonsense)).toBe('Authorization, Content-Type, Last-Event-ID');
  });

  test.each(['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'chrome-extension://abcdefghijklmnop'])(
    'takes the origin of an app: %s',
    async (origin) => {
      const { url } = await startHub(['--cors-origin', origin]);
      const answer = await ask(`${url}/channels`, { headers: { origin } });
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect((await post(`${url}/publish?channel=a`, 'x', { origin })).status).toBe(200);
      expect((await post(`${url}/publish?channel=a`, 'x', { origin: `${origin}.evil` })).status).toBe(403);
    },
  );

  test('* is for every page, but never with the cookies of its user', async () => {
    const { url } = await startHub(['--cors-origin', '*', '--jwt-secret', SECRET, '--anonymous', 'news']);
    const answer = await ask(`${url}/events?channel=secret`, { headers: { origin: OTHER } });
    expect(leaveOf(answer.headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Retry-After',
    });
    const leave = leaveOf((await preflight(`${url}/publish?channel=a`, OTHER)).headers);
    expect(leave).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-allow-methods': 'POST' });
    expect(leave).not.toHaveProperty('access-control-allow-credentials');
    const headers = { ...bearing(await tokenOf({ publish: ['a'] })), origin: OTHER };
    expect((await post(`${url}/publish?channel=a`, 'x', headers)).status).toBe(200);
  });
});

describeWith(['chromium'], 'a page of another origin, in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  /** An empty page on a port of its own: an origin of its own, on the same machine. */
  async function openPage(): Promise<{ page: Page; origin: string }> {
    const server = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html>'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const page = await (await browser.newContext()).newPage();
    onTestFinished(async () => {
      await page.context().close();
      server.close().closeAllConnections();
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await page.goto(origin);
    return { page, origin };
  }

  /** Opens a native EventSource. @returns what comes first: an event's data, or the state after an error */
  const native = (page: Page, url: string, withCredentials: boolean) =>
    page.evaluate(
      ({ url, withCredentials }) =>
        new Promise<string>((resolve) => {
          const source = new EventSource(url, { withCredentials });
          source.onmessage = ({ data }) => resolve(data);
          source.onerror = () => resolve(`error ${source.readyState}`);
        }),
      { url, withCredentials },
    );

  test('that is named subscribes by EventSource with the cookie of its user', async () => {
    const { page, origin } = await openPage();
    const { url } = await startHub(['--cors-origin', origin, '--jwt-secret', SECRET]);
    await post(`${url}/publish?channel=mine`, 'for me', bearing(await tokenOf({ publish: ['mine'] })));
    // A cookie is of a host, whatever the port.
    await page
      .context()
      .addCookies([
        { name: 'access_token', value: await tokenOf({ subscribe: ['mine'] }), url: origin, httpOnly: true },
      ]);
    const events = `${url}/events?channel=mine&lastEventId=earliest`;
    expect(await native(page, events, true)).toBe('for me');
    expect(await native(page, events, false)).toBe('error 2');
  });

  test('that is named subscribes and publishes with a token in a header, by createSSEClient and fetch', async () => {
    const { page, origin } = await openPage();
    const { url } = await startHub(['--cors-origin', origin, '--jwt-secret', SECRET]);
    const { authorization } = bearing(await tokenOf({ publish: ['a'], subscribe: ['a'] }));
    // The library's modules come from the hub too.
    const imports = { '#runtime': `${url}/console/tinysse/client/runtime-browser.js` };
    await page.addScriptTag({ type: 'importmap', content: JSON.stringify({ imports }) });
    const content = `window.tinysse = await import('${url}/console/tinysse/client/index.js')`;
    await page.addScriptTag({ type: 'module', content });
    await page.waitForFunction('window.tinysse');
    const seen = await page.evaluate(
      async ({ url, authorization }) => {
        const { createSSEClient } = (window as never as { tinysse: typeof import('tinysse/client') }).tinysse;
        const publish = async (body: string) => {
          const answer = await fetch(`${url}/publish?channel=a`, { method: 'POST', body, headers: { authorization } });
          return ((await answer.json()) as { id: string }).id;
        };
        const first = await publish('one');
        await publish('two');
        const options = { endpoint: `${url}/events?channel=a`, headers: { authorization }, lastEventId: first };
        for await (const { data } of createSSEClient(options)) return data;
        return undefined;
      },
      { url, authorization },
    );
    expect(seen).toBe('two');
  });

  test('that is not named gets nothing: not by EventSource, not by fetch, and cannot publish', async () => {
    const { page } = await openPage();
    const { url, program } = await startHub(['--cors-origin', APP]);
    expect(await native(page, `${url}/events?channel=a`, true)).toBe('error 2');
    const outcome = await page.evaluate(async (url) => {
      const tried = (init: RequestInit) =>
        fetch(`${url}/publish?channel=a`, { method: 'POST', body: 'x', ...init }).then(
          () => 'answered',
          ({ name }: Error) => name,
        );
      return [
        await tried({}),
        await tried({ mode: 'no-cors' }),
        await tried({ headers: { authorization: 'Bearer x' } }),
      ];
    }, url);
    // Without CORS a page may send, but not read; the hub refuses.
    expect(outcome).toEqual(['TypeError', 'answered', 'TypeError']);
    await program.until(({ stderr }) => (stderr.match(/FORBIDDEN/g)?.length ?? 0) >= 3);
    expect((await ask(`${url}/metrics`)).text).toContain('\ntinysse_events_published_total 0\n');
  });
});
