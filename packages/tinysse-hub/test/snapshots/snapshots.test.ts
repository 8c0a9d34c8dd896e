import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../../tinysse/test/programs.js';
import { credentialsOf } from '../../src/auth/credentials.js';
import { SECRET, tokenOf } from '../auth/tokens.js';
import { certificate } from '../certificate.js';
import { ask, idOf, post, serve, subscribe } from '../http.js';
import { startHub } from '../program.js';
import { begin, channelOf, ended, hubWith, outline, row } from './parts.js';

describe('with --snapshot-url a client', () => {
  test('without a position gets the state, then its position, then what is published', async () => {
    const asked: string[] = [];
    const { url, port } = await hubWith((req, res) => {
      asked.push(`${req.method} ${req.url} ${req.headers.accept}`);
      begin(res).end(`${row('one', 'item')}\n${row('two\nlines')}\r\n${row('last').trimEnd()}`);
    });
    const client = await subscribe(port, 'channel=a&channel=b%26c');
    await client.until('id: ');
    await post(`${url}/publish?channel=a`, 'news');
    await client.until('news');
    expect(outline(client.received)).toEqual([
      'tinysse:position',
      'tinysse:snapshot',
      'one',
      'two',
      'lines',
      'last',
      'id tinysse:position',
      'id news',
    ]);
    expect(client.received).toContain('event: item\ndata: one\n\n');
    expect(client.received).toContain('data: two\ndata: lines\n\n');
    expect(asked).toEqual(['GET /state?channel=a&channel=b%26c application/x-ndjson']);
  });

  test('whose position can be continued gets no state, and one with a gap gets a reset and the state', async () => {
    const { url, port } = await hubWith((_, res) => void begin(res).end(row('state')), ['--retain-events', '2']);
    const ids: string[] = [];
    for (const data of ['1', '2', '3', '4']) ids.push(idOf(await post(`${url}/publish?channel=a`, data)));
    const near = await subscribe(port, `channel=a&lastEventId=${ids[2]}`);
    await near.until('data: 4');
    expect(outline(near.received)).toEqual(['id tinysse:position', 'id 4']);
    const far = await subscribe(port, `channel=a&lastEventId=${ids[0]}`);
    await far.until('data: state');
    await far.until(`id: ${ids[3]}`);
    expect(outline(far.received).slice(-4)).toEqual([
      'tinysse:reset',
      'tinysse:snapshot',
      'state',
      'id tinysse:position',
    ]);
  });

  test('that has a gap while the snapshot server is away keeps what it has, and heals when it is back', async () => {
    let away = true;
    const { url, port, program } = await hubWith(
      (_, res) => void (away ? res.writeHead(503).end() : begin(res).end(row('state'))),
      ['--retain-events', '1'],
    );
    const id = idOf(await post(`${url}/publish?channel=a`, '1'));
    for (const data of ['2', '3']) await post(`${url}/publish?channel=a`, data);
    const query = `channel=a&lastEventId=${id}`;
    const first = await subscribe(port, query);
    await ended(first);
    expect(outline(first.received)).toEqual(['id tinysse:position']);
    expect(first.received.match(/retry: \d+/g)).toHaveLength(2);
    await program.until(({ stderr }) => stderr.includes('SNAPSHOT_STATUS'));
    away = false;
    const again = await subscribe(port, query);
    await again.until('data: state');
  });

  test('is asked for with its query, and an empty answer is an empty state', async () => {
    const asked: unknown[] = [];
    const at = await serve((req, res) => {
      asked.push(req.url);
      begin(res).end();
    });
    const { port } = await startHub(['--snapshot-url', `http://127.0.0.1:${at}/state?v=2&key=%26`]);
    const client = await subscribe(port, 'channel=a');
    await client.until('id: ');
    expect(outline(client.received)).toEqual(['tinysse:position', 'tinysse:snapshot', 'id tinysse:position']);
    expect(asked).toEqual(['/state?v=2&key=%26&channel=a']);
  });
});

describe('the credentials of a client', () => {
  const basic = 'Basic eA==';
  test.each([
    ['Authorization and Cookie go on as they came', { authorization: 'Bearer a', cookie: 'x=1' }, 'b', 'Bearer a'],
    ['a token of the query becomes a Bearer token', {}, 'b', 'Bearer b'],
    ['a token of the query goes before what is none', { authorization: basic }, 'b', 'Bearer b'],
    ['what is no token of the query stays behind', {}, 'b\r\nx: y', undefined],
    ['without any there are none', {}, undefined, undefined],
  ] satisfies [string, IncomingHttpHeaders, string | undefined, string | undefined][])(
    '%s',
    (_, headers: IncomingHttpHeaders, token, authorization) => {
      expect(credentialsOf(headers, token)).toEqual({ authorization, cookie: headers.cookie });
    },
  );

  test('reach the snapshot server, and nothing else of the request does', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const { port } = await hubWith(
      ({ headers }, res) => {
        seen.push(headers);
        begin(res).end();
      },
      ['--jwt-secret', SECRET],
    );
    const token = await tokenOf({ subscribe: ['a'] });
    const other = 'X-Forwarded-For: 10.0.0.1\r\nUser-Agent: me\r\nReferer: http://h/\r\n';
    const byHeader = await subscribe(
      port,
      'channel=a',
      `Authorization: Bearer ${token}\r\nCookie: s=1; t=2\r\n${other}`,
    );
    await byHeader.until('id: ');
    const byQuery = await subscribe(port, `channel=a&access_token=${token}`);
    await byQuery.until('id: ');
    expect(seen[0]).toMatchObject({ authorization: `Bearer ${token}`, cookie: 's=1; t=2' });
    expect(seen[1]?.authorization).toBe(`Bearer ${token}`);
    const known = ['accept', 'accept-encoding', 'authorization', 'connection', 'cookie', 'host'];
    expect(Object.keys(seen[0] ?? {}).sort()).toEqual(known);
  });

  test.each(['another origin', 'the same origin'])('follow no redirect to %s', async (where) => {
    const seen: unknown[] = [];
    const other = await serve((req, res) => {
      seen.push(req.url);
      begin(res).end();
    });
    const { port, program } = await hubWith((req, res) => {
      if (req.url?.startsWith('/elsewhere')) seen.push(req.url);
      const to = where === 'the same origin' ? '/elsewhere' : `http://127.0.0.1:${other}/`;
      res.writeHead(307, { location: to }).end();
    });
    const client = await subscribe(port, 'channel=a', 'Authorization: Bearer x\r\n');
    await ended(client);
    await program.until(({ stderr }) => stderr.includes('SNAPSHOT_STATUS'));
    expect(program.stderr).toContain('answered with status 307, to http://127.0.0.1:');
    expect(seen).toEqual([]);
  });
});

test('a scrape counts snapshots by result, failures by code, and how long they took', async () => {
  const { url, port } = await hubWith((req, res) => void (channelOf(req) === 'a' ? begin(res).end() : res.destroy()));
  await (await subscribe(port, 'channel=a')).until('id: ');
  await ended(await subscribe(port, 'channel=b'));
  const { text } = await ask(`${url}/metrics`);
  for (const line of [
    'tinysse_snapshots_total{result="complete"} 1',
    'tinysse_snapshots_total{result="failed"} 1',
    'tinysse_snapshot_errors_total{code="SNAPSHOT_UNREACHABLE"} 1',
    'tinysse_snapshots_current{state="running"} 0',
    'tinysse_snapshots_current{state="waiting"} 0',
    'tinysse_snapshot_duration_seconds_count 2',
    'tinysse_disconnects_total{reason="failed"} 1',
  ])
    expect(text).toContain(`${line}\n`);
});

describeWith(['openssl'], 'a snapshot server with HTTPS', () => {
  test('is asked if its certificate is known, and is away if it is not', async () => {
    const { cert, key } = certificate();
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, res) => {
      begin(res).end(row('state'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close().closeAllConnections());
    const flags = ['--snapshot-url', `https://localhost:${(server.address() as AddressInfo).port}/state`];
    const knowing = await startHub(flags, `export NODE_EXTRA_CA_CERTS=${cert}`);
    await (await subscribe(knowing.port, 'channel=a')).until('data: state');
    const stranger = await startHub(flags);
    await ended(await subscribe(stranger.port, 'channel=a'));
    await stranger.program.until(({ stderr }) => stderr.includes('SNAPSHOT_UNREACHABLE'));
  });
});
