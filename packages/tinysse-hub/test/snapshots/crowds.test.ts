import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { ask, post, type Raw, subscribe } from '../http.js';
import { begin, channelOf, ended, hubWith, outline, row, stalled } from './parts.js';

const ROWS = 100_000;

test('100,000 rows go no faster than their client reads, while live clients get their events', {
  timeout: 60_000,
}, async () => {
  let sent = 0;
  const write = async (res: ServerResponse): Promise<void> => {
    begin(res);
    for (sent = 0; sent < ROWS && !res.destroyed; sent++)
      if (!res.write(row(`row ${sent} ${'x'.repeat(100)}`))) await once(res, 'drain');
    res.end();
  };
  const { url, port } = await hubWith((req, res) => void (channelOf(req) === 'big' ? write(res) : begin(res).end()));
  const live = await subscribe(port, 'channel=live');
  await live.until('id: ');
  const reader = await stalled(port, 'channel=big');
  let before = -1;
  await expect
    .poll(
      async () => {
        await post(`${url}/publish?channel=live&channel=big`, `at ${sent}`);
        const still = sent > 0 && sent === before;
        before = sent;
        return still;
      },
      { timeout: 20_000, interval: 100 },
    )
    .toBe(true);
  expect(sent).toBeLessThan(ROWS);
  await live.until(`data: at ${sent}`);
  reader.socket.resume();
  await reader.until(`row ${ROWS - 1} `);
  await reader.until(`id: `);
  await reader.until(`data: at ${before}`);
  const rows = reader.received.match(/^data: row \d+/gm) ?? [];
  expect(rows).toEqual(Array.from({ length: ROWS }, (_, i) => `data: row ${i}`));
});

test('200 clients that need one at once all get theirs, 16 at a time, and live clients their events meanwhile', {
  timeout: 60_000,
}, async () => {
  let open = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const { url, port } = await hubWith((req, res) => {
    if (channelOf(req) === 'live') return void begin(res).end();
    most = Math.max(most, ++open);
    res.once('close', () => open--);
    waiting.push(() => begin(res).end(row('state')));
  });
  const live = await subscribe(port, 'channel=live');
  await live.until('id: ');
  const clients = await Promise.all(Array.from({ length: 200 }, () => subscribe(port, 'channel=a')));
  await expect.poll(() => waiting.length).toBe(16);
  expect((await ask(`${url}/metrics`)).text).toContain('tinysse_snapshots_current{state="waiting"} 184\n');
  await post(`${url}/publish?channel=live`, 'news');
  await live.until('data: news');
  const served = Promise.all(clients.map((client) => client.until('id: ')));
  let done = false;
  void served.then(() => (done = true));
  await expect
    .poll(
      () => {
        for (const answer of waiting.splice(0)) answer();
        return done;
      },
      { timeout: 20_000, interval: 5 },
    )
    .toBe(true);
  expect(most).toBe(16);
  await post(`${url}/publish?channel=a`, 'after');
  await Promise.all(clients.map((client) => client.until('data: after')));
  for (const { received } of clients)
    expect(outline(received)).toEqual([
      'tinysse:position',
      'tinysse:snapshot',
      'state',
      'id tinysse:position',
      'id after',
    ]);
});

test('a client that does not read its snapshot gives its place to others', { timeout: 30_000 }, async () => {
  const { port, program } = await hubWith(
    (req, res) => {
      if (channelOf(req) === 'small') return void begin(res).end(row('state'));
      begin(res);
      const more = (): void => {
        while (!res.destroyed && res.write(row('x'.repeat(1_000))));
      };
      res.on('drain', more);
      more();
    },
    ['--max-snapshots', '1', '--max-snapshot-size', '1GiB'],
  );
  const idle: Raw[] = [];
  // One runs, and three times as many may stand open.
  for (let i = 0; i < 4; i++) idle.push(await stalled(port, 'channel=big'));
  await (await subscribe(port, 'channel=small')).until('id: ');
  for (const client of idle.slice(1)) expect(client.socket.destroyed).toBe(false);
  // The hub has found the first that waits, and its connection ends as after any outage.
  idle[0]?.socket.resume();
  await ended(idle[0]!);
  await program.until(({ stderr }) => stderr.includes('SNAPSHOT_UNREAD'));
  expect(idle[0]?.received).not.toContain('id: ');
});
