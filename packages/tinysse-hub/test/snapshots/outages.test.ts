import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { ask, type Raw, subscribe } from '../http.js';
import { type Hub, openHub, startHub } from '../program.js';
import { begin, channelOf, ended, hubWith, outline, row } from './parts.js';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n';
const LINE = row('x');

/** Writes bytes that no HTTP library would, and ends the connection. */
const raw = (text: string) => (res: ServerResponse) => void res.socket?.end(text);
const lines = (text: string | Buffer) => (res: ServerResponse) => void begin(res).end(text);
const status = (code: number) => (res: ServerResponse) => void res.writeHead(code).end(LINE);

/** What a snapshot server may do, the code that it gets, and whether it was noticed only after events had been sent. */
const CASES: Record<string, [code: string, answer: (res: ServerResponse) => void, late?: true]> = {
  'hangs up without an answer': ['SNAPSHOT_UNREACHABLE', (res) => void res.destroy()],
  'fails with 500': ['SNAPSHOT_STATUS', status(500)],
  'answers 404': ['SNAPSHOT_STATUS', status(404)],
  'answers 204': ['SNAPSHOT_STATUS', (res) => void res.writeHead(204).end()],
  'answers 401': ['SNAPSHOT_REFUSED', status(401)],
  'answers 403': ['SNAPSHOT_REFUSED', status(403)],
  'answers with a page': ['SNAPSHOT_INVALID', (res) => void res.writeHead(200, { 'content-type': 'text/html' }).end()],
  'compresses its answer': [
    'SNAPSHOT_INVALID',
    (res) =>
      void res
        .writeHead(200, { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' })
        .end(gzipSync(LINE)),
  ],
  'ends chunks without their end': [
    'SNAPSHOT_CUT',
    raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${LINE.length.toString(16)}\r\n${LINE}\r\n`),
    true,
  ],
  'ends before its Content-Length': ['SNAPSHOT_CUT', raw(`${HEAD}Content-Length: 1000\r\n\r\n${LINE}`), true],
  'ends within the first line': ['SNAPSHOT_CUT', raw(`${HEAD}Content-Length: 1000\r\n\r\n{"data":"x`)],
  'has no end that can be seen': ['SNAPSHOT_CUT', raw(`${HEAD}Connection: close\r\n\r\n${LINE}`)],
  'ends with its connection, which it calls the identity coding': [
    'SNAPSHOT_CUT',
    raw(`${HEAD}Transfer-Encoding: identity\r\nConnection: close\r\n\r\n${LINE}`),
  ],
  'ends with its connection, and compresses on the way': [
    'SNAPSHOT_CUT',
    raw(`${HEAD}Transfer-Encoding: gzip\r\nConnection: close\r\n\r\n${LINE}`),
  ],
  'breaks off its connection': [
    'SNAPSHOT_CUT',
    (res) => {
      begin(res).write(LINE);
      setImmediate(() => res.socket?.resetAndDestroy());
    },
    true,
  ],
  'breaks the coding of its answer': ['SNAPSHOT_CUT', raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)],
  'sends what is not JSON': ['SNAPSHOT_INVALID', lines('{"data":"x"\n')],
  'sends JSON that is no event': ['SNAPSHOT_INVALID', lines('["x"]\n')],
  'sends an event with channels': ['SNAPSHOT_INVALID', lines('{"channels":["a"],"data":"x"}\n')],
  'sends what is not UTF-8': ['SNAPSHOT_INVALID', lines(Buffer.from([...Buffer.from('{"data":"'), 0xff, 34, 125]))],
  'sends data that is no text': ['INVALID_DATA', lines('{"data":{"a":1}}\n')],
  'sends no data': ['INVALID_DATA', lines('{"event":"x"}\n')],
  'sends a name with a line end': ['INVALID_EVENT', lines('{"event":"x\\ny","data":"x"}\n')],
  "sends the server's own event": ['RESERVED_EVENT', lines('{"event":"tinysse:position","data":"x"}\n')],
  'sends a bad line after good ones': ['SNAPSHOT_INVALID', lines(`${LINE.repeat(10_000)}nonsense\n`), true],
  'sends a line that is too long': ['SNAPSHOT_TOO_LARGE', lines(row('x'.repeat(1_000)))],
  'sends a line without end': ['SNAPSHOT_TOO_LARGE', lines('x'.repeat(100_000))],
  'sends too much': ['SNAPSHOT_TOO_LARGE', lines(row('x'.repeat(100)).repeat(3_000)), true],
};

describe('a snapshot server that', () => {
  let hub: Hub;
  beforeAll(async () => {
    const server = createServer((req, res) => CASES[channelOf(req)]?.[1](res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    hub = await openHub([
      ...['--snapshot-url', `http://127.0.0.1:${port}/state`, '--log-format', 'json'],
      ...['--max-event-size', '1000B', '--max-snapshot-size', '200kB'],
    ]);
    return async () => {
      await hub.program.end();
      server.close().closeAllConnections();
    };
  });

  test.each(Object.entries(CASES).map(([name, [code, , late]]) => [name, code, late] as const))(
    '%s is away: %s',
    async (name, code, late) => {
      const { length } = hub.program.stderr;
      const client = await subscribe(hub.port, `channel=${encodeURIComponent(name)}`);
      await ended(client);
      // It has no position, so it comes back as it came; and unless events have come already, what it shows is still there.
      expect(client.received).not.toContain('id: ');
      expect(outline(client.received).includes('tinysse:snapshot')).toBe(late === true);
      expect(client.received).toMatch(/retry: \d+\n\n\r\n0\r\n\r\n$/);
      const logged = ({ stderr }: { stderr: string }): boolean =>
        stderr
          .slice(length)
          .split('\n')
          .some((line) => line.includes('a snapshot failed') && line.includes(`"code":"${code}"`));
      await hub.program.until(logged);
    },
  );

  test('is counted by code', async () => {
    const codes = new Set(Object.values(CASES).map(([code]) => code));
    const read = async () => (await ask(`${hub.url}/metrics`)).text;
    for (const code of codes) await expect.poll(read).toContain(`tinysse_snapshot_errors_total{code="${code}"}`);
  });
});

test('a snapshot server that is not there is away, and the events of clients with a position go on', async () => {
  const { url, port, program } = await startHub(['--snapshot-url', 'http://127.0.0.1:1/']);
  const cursor = (await subscribe(port, 'channel=a&lastEventId=earliest')).received;
  expect(cursor).toContain('tinysse:position');
  const client = await subscribe(port, 'channel=a');
  await ended(client);
  await program.until(({ stderr }) => stderr.includes('connection refused'));
  expect((await ask(`${url}/readyz`)).status).toBe(200);
});

describe('a snapshot server that says nothing', () => {
  test('is away after --snapshot-timeout, and its connection is closed', async () => {
    const closed: string[] = [];
    const { port, program } = await hubWith(
      (req, res) => {
        res.once('close', () => closed.push(channelOf(req)));
        if (channelOf(req) === 'half') begin(res).write(LINE);
      },
      ['--snapshot-timeout', '100ms'],
    );
    const clients = await Promise.all(['none', 'half'].map((name) => subscribe(port, `channel=${name}`)));
    await Promise.all(clients.map(ended));
    await expect.poll(() => [...closed].sort()).toEqual(['half', 'none']);
    await program.until(({ stderr }) => stderr.split('SNAPSHOT_TIMEOUT').length > 2);
    expect(clients.map(({ received }) => outline(received))).toEqual([
      ['tinysse:position'],
      ['tinysse:position', 'tinysse:snapshot', 'x'],
    ]);
  });

  test('is left alone as soon as its client has gone', async () => {
    const closed: string[] = [];
    const asked: string[] = [];
    const { port } = await hubWith((req, res) => {
      asked.push(channelOf(req));
      res.once('close', () => closed.push(channelOf(req)));
      if (channelOf(req) === 'half') begin(res).write(LINE);
    });
    const clients: Raw[] = [];
    for (const name of ['none', 'half']) clients.push(await subscribe(port, `channel=${name}`));
    await clients[1]?.until('data: x');
    await expect.poll(() => asked).toHaveLength(2);
    for (const { socket } of clients) socket.destroy();
    await expect.poll(() => [...closed].sort()).toEqual(['half', 'none']);
  });
});

test('a connection that the snapshot server closes as it is used again is made anew', async () => {
  const used = new WeakSet<object>();
  let again = 0;
  const { port } = await hubWith((req, res) => {
    if (used.has(req.socket)) {
      again++;
      req.socket.destroy();
      return;
    }
    used.add(req.socket);
    begin(res).end(row('state'));
  });
  for (const _ of [1, 2, 3]) await (await subscribe(port, 'channel=a')).until('id: ');
  expect(again).toBeGreaterThan(0);
});
