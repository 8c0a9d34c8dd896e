import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, errorOf, subscribe } from './http.js';
import { type Hub, openHub } from './program.js';

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

test.each([
  'evil.example:PORT',
  'evil.example',
  '127.0.0.1',
  '127.0.0.1:1',
  '127.0.0.1.evil.example:PORT',
  'localhost.evil.example:PORT',
  'evil.example:PORT@127.0.0.1:PORT',
])('a name that has been made to point here is refused: %s', async (name) => {
  const host = name.replaceAll('PORT', String(hub.port));
  for (const path of ['/publish?channel=demo', '/events?channel=demo', '/']) {
    const answer = await ask(hub.url + path, { method: path.startsWith('/p') ? 'POST' : 'GET', headers: { host } });
    expect([answer.status, errorOf(answer).code]).toEqual([403, 'FORBIDDEN']);
  }
});

test.each(['http://evil.example', 'http://evil.example:PORT', 'http://127.0.0.1:1', 'https://127.0.0.1:PORT', 'null'])(
  'a page of %s may not publish',
  async (name) => {
    const answer = await publish({ origin: name.replaceAll('PORT', String(hub.port)) });
    expect([answer.status, errorOf(answer).code]).toEqual([403, 'FORBIDDEN']);
  },
);

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
