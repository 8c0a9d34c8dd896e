import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { countedAs, createAddresses } from '../../src/http/address.js';
import { PublishRate } from '../../src/http/rate.js';
import { network } from '../../src/values.js';
import { bearing, SECRET, tokenOf } from '../auth/tokens.js';
import { type Answer, ask, errorOf, post, Raw, subscribe } from '../http.js';
import { type Hub, startHub } from '../program.js';

const outcome = (answer: Answer): [status: number, code: string] => [answer.status, errorOf(answer).code];
const NDJSON = { 'content-type': 'application/x-ndjson' };
const metric = async ({ url }: Hub, name: string): Promise<number> =>
  Number((await ask(`${url}/metrics`)).text.split(`\n${name} `)[1]?.split('\n', 1)[0]);

describe('--max-connections-per-address', () => {
  test('refuses one stream too many with 429, counts and logs it, and takes one again when another has ended', async () => {
    const hub = await startHub(['--max-connections-per-address', '2']);
    const { url, port, program } = hub;
    const [first] = [await subscribe(port, 'channel=a'), await subscribe(port, 'channel=a')];
    const refused = await ask(`${url}/events?channel=a`);
    expect([outcome(refused), refused.headers['retry-after']]).toEqual([[429, 'TOO_MANY_CONNECTIONS'], '10']);
    await program.until(({ stderr }) => stderr.includes('"code":"TOO_MANY_CONNECTIONS"'));
    expect(await metric(hub, 'tinysse_connects_total{outcome="TOO_MANY_CONNECTIONS"}')).toBe(1);
    // Others are not its business.
    expect((await post(`${url}/publish?channel=a`, 'x')).status).toBe(200);
    first.socket.destroy();
    while ((await ask(`${url}/events?channel=a`, { method: 'HEAD' })).status !== 200);
    await subscribe(port, 'channel=a');
  });

  test('tells an EventSource, which a 429 would end for good, to come back', async () => {
    const { port } = await startHub(['--max-connections-per-address', '1']);
    await subscribe(port, 'channel=a');
    const raw = new Raw(
      port,
      `GET /events?channel=a HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await raw.until('retry: ');
    expect(raw.received).toMatch(/^HTTP\/1.1 200 OK\r\ncontent-type: text\/event-stream\r\n/);
    expect(Number(/retry: (\d+)/.exec(raw.received)?.[1])).toBeGreaterThanOrEqual(5_000);
  });

  test('cuts off connections beyond twice as many, and counts and logs them', async () => {
    const hub = await startHub(['--max-connections-per-address', '2']);
    const silent = Array.from({ length: 4 }, () => new Raw(hub.port, ''));
    await Promise.all(silent.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))));
    await new Raw(hub.port, '').closed;
    await hub.program.until(({ stderr }) => stderr.includes('as many connections as it may'));
    silent[0]!.socket.destroy();
    let refusals = Number.NaN;
    while (Number.isNaN(refusals))
      refusals = await metric(hub, 'tinysse_http_refusals_total{code="TOO_MANY_CONNECTIONS"}').catch(() => Number.NaN);
    expect(refusals).toBeGreaterThanOrEqual(1);
  });

  test('counts the clients of a trusted proxy, and believes nobody else', async () => {
    const args = ['--max-connections-per-address', '1', '--trusted-proxy', '127.0.0.0/8'];
    const { port, url, program } = await startHub(args);
    const from = (address: string) => subscribe(port, 'channel=a', `X-Forwarded-For: ${address}\r\n`);
    await from('192.0.2.1');
    // What a client sends of its own stands before what the proxy adds.
    await from('192.0.2.1, 192.0.2.2');
    const again = await ask(`${url}/events?channel=a`, { headers: { 'x-forwarded-for': '10.9.9.9, 192.0.2.2' } });
    expect(outcome(again)).toEqual([429, 'TOO_MANY_CONNECTIONS']);
    await program.until(({ stderr }) => stderr.includes('TOO_MANY'));
    expect(program.stderr).toContain('"address":"192.0.2.2"');

    const direct = await startHub(['--max-connections-per-address', '1']);
    await subscribe(direct.port, 'channel=a', 'X-Forwarded-For: 192.0.2.1\r\n');
    const other = await ask(`${direct.url}/events?channel=a`, { headers: { 'x-forwarded-for': '192.0.2.2' } });
    expect(other.status).toBe(429);
  });
});

describe('addresses', () => {
  const at = (remoteAddress: string, forwarded?: string) =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;
  const addresses = createAddresses(['10.0.0.0/8', '192.0.2.9', 'fd00::/8'].map(network));

  test.each([
    ['203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1, 192.0.2.9, 10.0.0.7', '198.51.100.1'],
    ['10.1.2.3', 'evil, 198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1, what?', '10.1.2.3'],
    ['10.1.2.3', '10.0.0.7', '10.0.0.7'],
    ['10.1.2.3', '198.51.100.1:51234', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1:1, 192.0.2.9:2, 10.0.0.7:3', '198.51.100.1'],
    ['10.1.2.3', '[2001:db8::1]:51234', '2001:db8::1'],
    ['10.1.2.3', '[2001:db8::1]', '2001:db8::1'],
    ['10.1.2.3', '[::ffff:198.51.100.1]:80', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1:port', '10.1.2.3'],
    ['10.1.2.3', '[198.51.100.1', '10.1.2.3'],
    ['10.1.2.3', '', '10.1.2.3'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['fd00::1', '2001:db8::1', '2001:db8::1'],
  ])('from %s, told %s, is %s', (remote, forwarded, address) => {
    expect(addresses.of(at(remote, forwarded))).toBe(address);
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::ffff', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:0db8:0001::1', '2001:db8:1:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('%s counts as %s', (address, counted) => expect(countedAs(address)).toBe(counted));
});

describe('--publish-rate', () => {
  test('lets a token publish so many events a second, each its own, and tells when to come back', async () => {
    const hub = await startHub(['--jwt-secret', SECRET, '--publish-rate', '3']);
    const sender = async (sub: string) => bearing(await tokenOf({ publish: ['a'] }, { sub }));
    const [ann, bob] = [await sender('ann'), await sender('bob')];
    const publish = (headers: Record<string, string>) => post(`${hub.url}/publish?channel=a`, 'x', headers);
    // They all come within a moment, or the bucket fills up meanwhile.
    const answers = await Promise.all(Array.from({ length: 20 }, () => publish(ann)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(5);
    expect([outcome(refused[0]!), refused[0]!.headers['retry-after']]).toEqual([[429, 'TOO_MANY_PUBLISHES'], '1']);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect((await publish(bob)).status).toBe(200);
    expect(await metric(hub, 'tinysse_publish_errors_total{code="TOO_MANY_PUBLISHES"}')).toBe(refused.length);
    await hub.program.until(({ stderr }) => stderr.includes('"code":"TOO_MANY_PUBLISHES"'));
    while ((await publish(ann)).status !== 200);
  });

  test('counts a subject once, whatever token it shows', async () => {
    const { url } = await startHub(['--jwt-secret', SECRET, '--publish-rate', '3']);
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, i) => tokenOf({ publish: ['a'] }, { sub: 'ann', exp: exp + i })),
    );
    const answers = await Promise.all(tokens.map((token) => post(`${url}/publish?channel=a`, 'x', bearing(token))));
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(5);
  });

  test('counts addresses where there is no token, and every line of many', async () => {
    const { url } = await startHub(['--publish-rate', '10', '--trusted-proxy', '127.0.0.1']);
    const from = (address: string) => ({ ...NDJSON, 'x-forwarded-for': address });
    const lines = `${JSON.stringify({ channels: ['a'], data: 'x' })}\n`.repeat(1_000);
    expect((await post(`${url}/publish`, lines, from('192.0.2.1'))).text.match(/"id"/g)).toHaveLength(1_000);
    const next = await post(`${url}/publish`, lines, from('192.0.2.1'));
    expect(outcome(next)).toEqual([429, 'TOO_MANY_PUBLISHES']);
    // A thousand events are a hundred seconds' worth.
    expect(Number(next.headers['retry-after'])).toBeGreaterThan(90);
    expect((await post(`${url}/publish`, lines, from('192.0.2.2'))).status).toBe(200);
  });

  test('is a bucket that holds a second’s worth and fills as time goes by', () => {
    let now = 1_000;
    const rate = new PublishRate(4, () => now);
    const tried = (sender = 'a'): boolean => {
      try {
        rate.admit(sender);
        rate.take(sender);
        return true;
      } catch {
        return false;
      }
    };
    expect([1, 2, 3, 4, 5].map(() => tried())).toEqual([true, true, true, true, false]);
    expect(tried('b')).toBe(true);
    now += 250;
    expect([tried(), tried()]).toEqual([true, false]);
    now += 10_000;
    expect([1, 2, 3, 4, 5].map(() => tried())).toEqual([true, true, true, true, false]);
  });

  test('remembers ten thousand senders, and forgets who has been silent longest', () => {
    const rate = new PublishRate(1, () => 0);
    for (let i = 0; i <= 10_000; i++) rate.take(`sender ${i}`);
    expect(() => rate.admit('sender 0')).not.toThrow();
    expect(() => rate.admit('sender 1')).toThrow('more events a second');
  });
});
