import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, errorOf, idOf, post, Raw, subscribe } from '../http.js';
import { type Hub, openHub, startHub } from '../program.js';
import { bearing, SECRET, tokenOf } from './tokens.js';

let hub: Hub;
beforeAll(async () => {
  hub = await openHub([
    '--jwt-secret',
    SECRET,
    '--anonymous',
    'news',
    '--anonymous',
    'public:*',
    '--log-level',
    'debug',
  ]);
});
afterAll(() => hub?.program.end());

const publish = (query: string, headers: Record<string, string> = {}): Promise<Answer> =>
  post(`${hub.url}/publish?${query}`, 'x', headers);
const events = (query: string, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(`${hub.url}/events?${query}`, { headers: { accept: 'text/event-stream', ...headers } });
const outcome = (answer: Answer): [status: number, code: string] => [answer.status, errorOf(answer).code];

describe('publishing', () => {
  test('takes a token that names the channel, exactly or by prefix', async () => {
    const headers = bearing(await tokenOf({ publish: ['a', 'user:*'] }));
    expect((await publish('channel=a&channel=user:1', headers)).status).toBe(200);
    for (const channel of ['b', 'aa', 'user', 'A'])
      expect(outcome(await publish(`channel=a&channel=${channel}`, headers))).toEqual([403, 'FORBIDDEN']);
    expect(errorOf(await publish('channel=b', headers)).message).toBe(
      'this token may not publish to "b"; its claim tinysse.publish would have to name it',
    );
  });

  test('needs a token, and takes it from nowhere but the header', async () => {
    const token = await tokenOf({ publish: ['*'], subscribe: ['*'] });
    const answer = await publish('channel=a');
    expect(outcome(answer)).toEqual([401, 'UNAUTHORIZED']);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="tinysse"');
    expect(outcome(await publish('channel=a', { cookie: `access_token=${token}` }))).toEqual([401, 'UNAUTHORIZED']);
    expect(outcome(await publish(`channel=a&access_token=${token}`))).toEqual([401, 'UNAUTHORIZED']);
    expect(outcome(await publish('channel=a', { authorization: 'Basic eDp5' }))).toEqual([401, 'UNAUTHORIZED']);
  });

  test('is no right of who may read', async () => {
    const headers = bearing(await tokenOf({ subscribe: ['*'], admin: true }));
    expect(outcome(await publish('channel=news', headers))).toEqual([403, 'FORBIDDEN']);
  });

  test('is refused to who may publish nowhere before the body is read', async () => {
    const token = await tokenOf({ subscribe: ['*'] });
    for (const type of ['text/plain', 'application/x-ndjson']) {
      const head =
        `POST /publish?channel=a HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: ${type}\r\nContent-Length: 8000000\r\nExpect: 100-continue\r\n\r\n`;
      const socket = new Raw(hub.port, head);
      await socket.until('its claim tinysse.publish would have to name channels');
      expect(socket.received).toMatch(/^HTTP\/1\.1 403 /);
    }
  });

  test('refuses a line of many that names another channel, and no other line', async () => {
    const lines = ['a', 'b', 'a'].map((channel) => JSON.stringify({ channels: [channel], data: 'x' })).join('\n');
    const { text } = await post(`${hub.url}/publish`, lines, {
      ...bearing(await tokenOf({ publish: ['a'] })),
      'content-type': 'application/x-ndjson',
    });
    expect(text).toMatch(/^{"id":.*\n{"error":{"code":"FORBIDDEN".*\n{"id":.*\n$/);
  });
});

describe('a key', () => {
  const send = async (claims: object, key: string, data = 'x'): Promise<Answer> =>
    post(`${hub.url}/publish?channel=a&key=${key}`, data, bearing(await tokenOf({ publish: ['a'] }, claims)));

  test('is its subject’s: another one neither takes it nor sees that it is used', async () => {
    const first = await send({ sub: 'shop' }, 'order-1');
    const strange = await send({ sub: 'mallory' }, 'order-1', 'other');
    expect([strange.status, idOf(strange) !== idOf(first)]).toEqual([200, true]);
    expect(outcome(await send({ sub: 'shop' }, 'order-1', 'other'))).toEqual([409, 'KEY_REUSED']);
    expect(errorOf(await send({ sub: 'shop' }, 'order-1', 'other')).message).toMatch(/^key "order-1" was used/);
    expect((await send({ sub: 'shop', iss: 'elsewhere' }, 'order-1', 'other')).status).toBe(200);
  });

  test('outlives a token of its subject, and not one without', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const renewed = { exp: now + 1_000 };
    expect(idOf(await send({ sub: 'a', ...renewed }, 'k'))).toBe(idOf(await send({ sub: 'a', exp: now + 2_000 }, 'k')));
    expect(idOf(await send(renewed, 'k'))).toBe(idOf(await send(renewed, 'k')));
    expect(idOf(await send(renewed, 'k'))).not.toBe(idOf(await send({ exp: now + 2_000 }, 'k')));
  });

  test('of a line is bound in the same way', async () => {
    const line = JSON.stringify({ channels: ['a'], data: 'x', key: 'shared' });
    const publishAs = async (sub: string): Promise<string> => {
      const headers = {
        ...bearing(await tokenOf({ publish: ['a'] }, { sub })),
        'content-type': 'application/x-ndjson',
      };
      return (await post(`${hub.url}/publish`, line, headers)).text;
    };
    const first = await publishAs('one');
    expect(await publishAs('two')).not.toBe(first);
    expect(await publishAs('one')).toBe(first);
  });
});

describe('subscribing', () => {
  test('takes a token from the header, the query or the cookie', async () => {
    const token = await tokenOf({ subscribe: ['user:1'] });
    await subscribe(hub.port, 'channel=user:1', `Authorization: Bearer ${token}\r\n`);
    await subscribe(hub.port, `channel=user:1&access_token=${token}`);
    await subscribe(hub.port, 'channel=user:1', `Cookie: theme=dark; access_token=${token}; last=1\r\n`);
  });

  test('to public channels needs none, and a token for others gives them as well', async () => {
    await subscribe(hub.port, 'channel=news&channel=public:x');
    const token = await tokenOf({ subscribe: ['mine'] });
    await subscribe(hub.port, `channel=news&channel=mine&access_token=${token}`);
    expect(outcome(await events('channel=news&channel=mine'))).toEqual([401, 'UNAUTHORIZED']);
  });

  test('to a channel that it may not read is 403 naming it, before the stream', async () => {
    const token = await tokenOf({ subscribe: ['user:1'] });
    const answer = await events(`channel=user:1&channel=user:12&access_token=${token}`);
    expect([outcome(answer), answer.headers['content-type']]).toEqual([[403, 'FORBIDDEN'], 'application/json']);
    expect(errorOf(answer).message).toContain('"user:12"');
  });

  test('ends when the token does, and the client is refused when it comes back', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2;
    const token = await tokenOf({ subscribe: ['a'] }, { exp });
    const stream = await subscribe(hub.port, `channel=a&access_token=${token}`);
    // The last chunk: it ended, it was not cut off.
    await stream.until('\r\n0\r\n\r\n');
    expect(Math.abs(Date.now() - exp * 1000)).toBeLessThan(1_000);
    const answer = await events(`channel=a&access_token=${token}`);
    expect(outcome(answer)).toEqual([401, 'UNAUTHORIZED']);
    expect(errorOf(answer).message).toContain('expired');
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="tinysse", error="invalid_token"');
  });
});

test('what anybody may ask needs no token', async () => {
  for (const path of ['/healthz', '/']) expect((await ask(hub.url + path)).status).toBe(200);
});

test('no token gets into the log, however it was sent', async () => {
  const good = await tokenOf({ subscribe: ['logged'], publish: ['logged'] });
  const bad = `${good.slice(0, -8)}AAAAAAAA`;
  for (const token of [good, bad]) {
    const [, payload = '', signature = ''] = token.split('.');
    await ask(`${hub.url}/events?channel=logged&access_token=${token}`, { method: 'HEAD' });
    await ask(`${hub.url}/nothing?access_token=${token}`);
    await events(`channel=&access_token=${token}`);
    await events('channel=other', { cookie: `access_token=${token}` });
    await publish(`channel=logged&event=tinysse:x&access_token=${token}`, bearing(token));
    await publish('channel=logged&event=tinysse:x', bearing(token));
    expect(hub.program.stderr).not.toContain(payload);
    expect(hub.program.stderr).not.toContain(signature);
  }
});

test('--clock-leeway takes tokens of a clock that is ahead, 5 s by default', async () => {
  const nbf = Math.floor(Date.now() / 1_000);
  const statuses = async (url: string) => {
    const tokens = await Promise.all([3, 30, 300].map((ahead) => tokenOf({ publish: ['a'] }, { nbf: nbf + ahead })));
    const answers = tokens.map((token) => post(`${url}/publish?channel=a`, 'x', bearing(token)));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  expect(await statuses(hub.url)).toEqual([200, 401, 401]);
  const { url } = await startHub(['--jwt-secret', SECRET, '--clock-leeway', '1m']);
  expect(await statuses(url)).toEqual([200, 200, 401]);
});
