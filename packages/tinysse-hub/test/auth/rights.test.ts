import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, errorOf, post, subscribe } from '../http.js';
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

  test('refuses a line of many that names another channel, and no other line', async () => {
    const lines = ['a', 'b', 'a'].map((channel) => JSON.stringify({ channels: [channel], data: 'x' })).join('\n');
    const { text } = await post(`${hub.url}/publish`, lines, {
      ...bearing(await tokenOf({ publish: ['a'] })),
      'content-type': 'application/x-ndjson',
    });
    expect(text).toMatch(/^{"id":.*\n{"error":{"code":"FORBIDDEN".*\n{"id":.*\n$/);
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
