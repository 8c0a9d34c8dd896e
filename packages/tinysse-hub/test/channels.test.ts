import { expect, test } from 'vitest';
import { RedisServer } from '../../tinysse/test/log/redis-parts.js';
import { describeWith } from '../../tinysse/test/programs.js';
import { bearing, SECRET, tokenOf } from './auth/tokens.js';
import { type Answer, ask, errorOf, post, subscribe } from './http.js';
import { startHub } from './program.js';

/** The last chunk of a stream. */
const ENDED = '\r\n0\r\n\r\n';

const channelsOf = ({ text }: Answer) => JSON.parse(text) as { channels: { channel: string }[]; next?: string };

test('shows who is subscribed to what, by prefix and in pages', async () => {
  const { url, port } = await startHub(['--retain-events', '1']);
  await Promise.all(['channel=b&channel=a', 'channel=b', 'channel=user:1', 'channel=c'].map((q) => subscribe(port, q)));
  for (const text of ['one', 'two']) await post(`${url}/publish?channel=b`, text);
  expect(channelsOf(await ask(`${url}/channels?limit=2`))).toEqual({
    channels: [
      { channel: 'a', subscribers: 1, offset: 0, floor: 0 },
      { channel: 'b', subscribers: 2, offset: 2, floor: 1 },
    ],
    next: 'b',
  });
  const rest = channelsOf(await ask(`${url}/channels?limit=2&after=b`));
  expect([rest.channels.map(({ channel }) => channel), rest.next]).toEqual([['c', 'user:1'], undefined]);
  expect(channelsOf(await ask(`${url}/channels?prefix=user:`)).channels).toHaveLength(1);
});

test('ends the streams of a channel and says how many; others stay', async () => {
  const { url, port } = await startHub();
  const [one, other] = [await subscribe(port, 'channel=a'), await subscribe(port, 'channel=b')];
  expect((await post(`${url}/disconnect?channel=a`, '')).text).toBe('{"disconnected":1}');
  await one.until(ENDED);
  await post(`${url}/publish?channel=b`, 'still here');
  await other.until('data: still here');
});

test('says what is wrong with a request', async () => {
  const { url } = await startHub();
  const code = async (answer: Promise<Answer>) => errorOf(await answer).code;
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'prefix=a&prefix=b', 'channel=a'])
    expect(await code(ask(`${url}/channels?${query}`))).toBe('INVALID_PARAMETER');
  expect(await code(post(`${url}/disconnect`, ''))).toBe('NO_CHANNEL');
  expect(await code(post(`${url}/disconnect?channel=`, ''))).toBe('INVALID_CHANNEL');
  expect(await code(post(`${url}/disconnect?prefix=a`, ''))).toBe('INVALID_PARAMETER');
  expect(await code(ask(`${url}/disconnect?channel=a`))).toBe('METHOD_NOT_ALLOWED');
});

test('with keys, both take a token with the claim "admin" only', async () => {
  const { url } = await startHub(['--jwt-secret', SECRET]);
  const all = { publish: ['*'], subscribe: ['*'] };
  const cases = [
    [{}, 401],
    [bearing(await tokenOf(all)), 403],
    [bearing(await tokenOf({ admin: true })), 200],
  ] as const;
  for (const [headers, status] of cases) {
    expect((await ask(`${url}/channels`, { headers })).status).toBe(status);
    expect((await post(`${url}/disconnect?channel=a`, '', headers)).status).toBe(status);
  }
});

describeWith(['redis-server'], 'hubs that share a Redis', () => {
  test('answer for all of them', async () => {
    const redis = await RedisServer.start();
    const args = ['--redis', `redis://127.0.0.1:${redis.port}`];
    const [one, two] = await Promise.all([startHub(args), startHub(args)]);
    const [here, there] = [await subscribe(one.port, 'channel=a'), await subscribe(two.port, 'channel=a')];
    const both = '{"channels":[{"channel":"a","subscribers":2,"offset":0,"floor":0}]}';
    while ((await ask(`${one.url}/channels`)).text !== both) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await post(`${one.url}/disconnect?channel=a`, '')).text).toBe('{"disconnected":1}');
    await Promise.all([here.until(ENDED), there.until(ENDED)]);
  });
});
