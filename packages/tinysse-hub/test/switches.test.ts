import { get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { browsersRefuse } from '../src/bad-ports.js';
import { headerBytes } from '../src/limits.js';
import { bearing, SECRET, tokenOf } from './auth/tokens.js';
import { ask, errorOf, post, Raw, subscribe } from './http.js';
import { start, startHub } from './program.js';

describe('--metrics', () => {
  test('admin asks for a token with that claim, nobody removes the path', async () => {
    const { url } = await startHub(['--jwt-secret', SECRET, '--metrics', 'admin']);
    const status = async (token?: string) =>
      (await ask(`${url}/metrics`, { headers: token === undefined ? {} : bearing(token) })).status;
    expect([
      await status(),
      await status(await tokenOf({ subscribe: ['*'] })),
      await status(await tokenOf({ admin: true })),
    ]).toEqual([401, 403, 200]);
    const none = await startHub(['--metrics', 'nobody']);
    expect((await ask(`${none.url}/metrics`)).status).toBe(404);
  });

  test('are made once a second, however many ask', async () => {
    const { url } = await startHub();
    const read = async () => (await ask(`${url}/metrics`)).text;
    const before = await read();
    await post(`${url}/publish?channel=a`, 'x');
    const again = await read();
    expect(again).toBe(before);
    await expect.poll(read, { timeout: 5_000 }).toContain('\ntinysse_events_published_total 1\n');
  });
});

test('--replay-all-on-connect begins a stream without a position with all that is kept', async () => {
  const { url, port } = await startHub(['--replay-all-on-connect']);
  await post(`${url}/publish?channel=a`, 'kept');
  const stream = await subscribe(port, 'channel=a');
  await stream.until('data: kept\n\n');
});

test('--control-events off sends no event of the hub’s own, and answers a gap with 409', async () => {
  const { url, port } = await startHub(['--control-events', 'off', '--retain-events', '1']);
  const raw = new Raw(port, `GET /events?channel=a HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await raw.until('retry:');
  const { id } = JSON.parse((await post(`${url}/publish?channel=a`, 'first')).text) as { id: string };
  await raw.until('data: first\n\n');
  expect(raw.received).not.toContain('tinysse:');
  for (const data of ['second', 'third']) await post(`${url}/publish?channel=a`, data);
  const gap = await ask(`${url}/events?channel=a&lastEventId=${id}`);
  expect([gap.status, errorOf(gap).code]).toEqual([409, 'GAP']);
});

test('as many channels as a stream may have fit into its URL, with the longest names', async () => {
  const { url } = await startHub();
  const query = Array.from({ length: 128 }, (_, i) => `channel=${encodeURIComponent('日'.repeat(84) + (100 + i))}`);
  const status = await new Promise((resolve, reject) => {
    const sent = get(`${url}/events?${query.join('&')}`, { agent: false }, (answer) => {
      answer.destroy();
      resolve(answer.statusCode);
    });
    sent.on('error', reject);
  });
  expect(status).toBe(200);
  expect(headerBytes({ maxChannelsPerClient: 1 })).toBe(65_536);
  expect(headerBytes({ maxChannelsPerClient: 1_000_000_000 })).toBe(8 * 2 ** 20);
});

describe('a stream of a pattern, which is the name of one channel,', () => {
  test('is served, and the log and tail say what it is', async () => {
    const { url, port, program } = await startHub();
    const hint = 'is the name of one channel here; patterns are for tokens and --anonymous only';
    await subscribe(port, 'channel=a&channel=demo*');
    await program.until(({ stderr }) => stderr.includes(`"hint":"\\"demo*\\" ${hint}"`));
    const tail = start(['tail', 'demo*', '--url', url]);
    await tail.until(({ stderr }) => stderr.includes('connected to'));
    expect(tail.stderr).toContain(`tinysse-hub: "demo*" ${hint}\n`);
  });
});

describe('ports', () => {
  test('that browsers refuse are those that fetch refuses', async () => {
    const refused = async (port: number): Promise<boolean> => {
      // Nothing is sent: where no port is bad, the address is.
      const error = await fetch(`http://127.255.255.255:${port}/`, { signal: AbortSignal.timeout(1_000) }).catch(
        ({ cause }: Error) => cause,
      );
      return (error as Error | undefined)?.message === 'bad port';
    };
    const listed = Array.from({ length: 65_536 }, (_, port) => port).filter(browsersRefuse);
    const neighbours = listed.flatMap((port) => [port - 1, port + 1]).filter((port) => port > 0 && port !== 4190);
    // Node has not all of the newest.
    for (const port of new Set([...listed, ...neighbours]))
      if (port !== 4190 && port !== 6679) expect([port, await refused(port)]).toEqual([port, browsersRefuse(port)]);
  });

  test('of these get a warning at the start', async () => {
    const { program } = await startHub(['--port', '6667']);
    await program.until(({ stderr }) => stderr.includes('browsers refuse to connect to this port'));
  });
});
