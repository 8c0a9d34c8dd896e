import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearing, SECRET, tokenOf } from './auth/tokens.js';
import { ask, errorOf, post, subscribe } from './http.js';
import { type Hub, openHub, startHub } from './program.js';

let hub: Hub;
beforeAll(async () => {
  hub = await openHub();
});
afterAll(() => hub?.program.end());

const publish = (headers: Record<string, string>) =>
  ask(`${hub.url}/publish?channel=demo`, { method: 'POST', headers }, 'x');

test.each(['127.0.0.1', '127.0.0.2', 'localhost', 'LocalHost', '[::1]'])('%s is this machine', async (name) => {
  const authority = `${name}:${hub.port}`;
  expect((await publish({ host: authority, origin: `http://${authority}` })).status).toBe(200);
});

test.each(['127.0.0.1', 'localhost', '[::1]'])('%s without its port is this machine too', async (host) => {
  expect((await publish({ host })).status).toBe(200);
  // A page of the usual port is another origin.
  expect((await publish({ host: `${host}:${hub.port}`, origin: `http://${host}` })).status).toBe(403);
});

test.each([
  'evil.example:PORT',
  'evil.example',
  '127.0.0.1:1',
  '127.0.0.1.evil.example:PORT',
  'localhost.evil.example:PORT',
  'evil.example:PORT@127.0.0.1:PORT',
])('a name that has been made to point here is refused: %s', async (name) => {
  const host = name.replaceAll('PORT', String(hub.port));
  for (const path of ['/publish?channel=demo', '/events?channel=demo', '/']) {
    const answer = await ask(hub.url + path, { method: path.startsWith('/p') ? 'POST' : 'GET', headers: { host } });
    expect([answer.status, errorOf(answer).code]).toEqual([421, 'MISDIRECTED']);
  }
});

test.each([
  'http://evil.example',
  'http://evil.example:PORT',
  'http://127.0.0.1:1',
  'https://127.0.0.1:PORT',
  'null',
  'file://',
  'capacitor://localhost',
  'capacitor://127.0.0.1:PORT',
  'chrome-extension://abcdefghijklmnop',
])('a page of %s may not publish', async (name) => {
  const answer = await publish({ origin: name.replaceAll('PORT', String(hub.port)) });
  expect([answer.status, errorOf(answer).code]).toEqual([403, 'FORBIDDEN']);
});

test('a page of another origin gets no leave to read the stream, nor to ask for more', async () => {
  const stream = await subscribe(hub.port, 'channel=demo', 'Origin: http://evil.example\r\n');
  expect(stream.received).not.toMatch(/access-control/i);
  const preflight = await ask(`${hub.url}/events?channel=demo`, {
    method: 'OPTIONS',
    headers: { origin: 'http://evil.example', 'access-control-request-headers': 'last-event-id' },
  });
  expect(preflight.status).not.toBe(200);
  expect(Object.keys(preflight.headers).join()).not.toMatch(/access-control/);
});

describe('with keys', () => {
  const withKeys = (...args: string[]) => startHub(['--jwt-secret', SECRET, ...args]);
  const tried = async (url: string, headers: Record<string, string>) =>
    (await post(`${url}/publish?channel=a`, 'x', { ...bearing(await tokenOf({ publish: ['a'] })), ...headers })).status;

  test('a POST with a foreign Origin or Host is refused all the same; what only reads is not', async () => {
    const { url, port } = await withKeys();
    const own = `127.0.0.1:${port}`;
    expect(await tried(url, {})).toBe(200);
    expect(await tried(url, { origin: `http://${own}` })).toBe(200);
    for (const origin of ['http://evil.example', 'http://127.0.0.1:1', 'null', 'http://'])
      expect([origin, await tried(url, { origin })]).toEqual([origin, 403]);
    for (const host of ['evil.example', `evil.example:${port}`, '10.0.0.1', 'a b', ''])
      expect([host, await tried(url, { host, origin: `http://${host}` })]).toEqual([host, host ? 421 : 403]);
    for (const path of ['/healthz', '/metrics', '/'])
      expect((await ask(url + path, { headers: { host: 'hub.example.com' } })).status).toBe(200);
  });

  test('--allow-host names what else the hub is called, with its own pages', async () => {
    const { url } = await withKeys('--allow-host', 'Hub.example.com', '--allow-host', 'hub');
    for (const host of ['hub.example.com', 'hub.example.com:8443', 'HUB', 'localhost.hub'])
      expect([host, await tried(url, { host })]).toEqual([host, host === 'localhost.hub' ? 421 : 200]);
    const host = 'hub.example.com';
    expect(await tried(url, { host, origin: 'https://hub.example.com' })).toBe(200);
    expect(await tried(url, { host, origin: 'https://hub.example.com:8443' })).toBe(403);
    expect(await tried(url, { host, origin: 'https://hub' })).toBe(403);
  });

  test('a hub that others reach takes any name until it is told its own; an address is nobody’s trick', async () => {
    const any = await withKeys('--host', '0.0.0.0');
    const at = any.url.replace('0.0.0.0', '127.0.0.1');
    expect(await tried(at, { host: 'whatever.example' })).toBe(200);
    expect(await tried(at, { host: 'whatever.example', origin: 'http://other.example' })).toBe(403);
    const told = await withKeys('--host', '0.0.0.0', '--allow-host', 'hub.example.com');
    const there = told.url.replace('0.0.0.0', '127.0.0.1');
    for (const [host, status] of [
      ['hub.example.com', 200],
      ['192.0.2.7:7730', 200],
      ['[2001:db8::7]', 200],
      ['whatever.example', 421],
    ] as const)
      expect([host, await tried(there, { host })]).toEqual([host, status]);
  });
});

test('without keys, --allow-host names what else may be said', async () => {
  const { url } = await startHub(['--allow-host', 'hub.test']);
  expect((await ask(`${url}/healthz`, { headers: { host: 'hub.test' } })).status).toBe(200);
  expect((await ask(`${url}/healthz`, { headers: { host: 'other.test' } })).status).toBe(421);
});
