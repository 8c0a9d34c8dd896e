import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask, post, Raw, subscribe } from './http.js';
import { run, startHub } from './program.js';

test('says where to look, and two lines that work when pasted', async () => {
  const { program, url, port } = await startHub();
  const { stdout } = program;
  expect(stdout).toContain(`Look at it: http://127.0.0.1:${port}/\n`);
  expect(stdout).toContain(`curl -N '${url}/events?channel=demo'\n`);
  expect(stdout).toContain(`curl -d 'hello' '${url}/publish?channel=demo'\n`);
  expect(stdout).not.toContain('\x1b');
  const stream = await subscribe(port, 'channel=demo');
  await post(`${url}/publish?channel=demo`, 'hello');
  await stream.until('data: hello\n\n');
});

test('logs JSON lines on stderr when that is no terminal; --log-level silences them', async () => {
  const { program, port } = await startHub();
  expect(JSON.parse(program.stderr)).toMatchObject({ level: 30, msg: 'listening', port, address: '127.0.0.1' });
  await program.end('SIGTERM');
  const messages = program.stderr
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  expect(messages).toEqual(['listening', 'ending; a second signal ends at once', 'ended']);

  const { code, stderr } = await run(['serve', '--port', '0', '--log-level', 'silent', '--retain-age', 'x']);
  expect({ code, lines: stderr.match(/\n/g)?.length }).toEqual({ code: 2, lines: 1 });
});

test('logs one line per stream that begins, that ends, and per request that is refused, and no token', async () => {
  const { program, url, port } = await startHub();
  const stream = await subscribe(port, 'channel=a&channel=b');
  await post(`${url}/publish?channel=a&channel=b`, 'x');
  await stream.until('data: x');
  stream.socket.destroy();
  await program.until(({ stderr }) => stderr.includes('disconnected'));
  await post(`${url}/publish?channel=a&event=tinysse:x`, 'x');
  await ask(`${url}/events?channel=`);
  await ask(`${url}/nope?access_token=secret`, { headers: { authorization: 'Bearer secret', cookie: 'c=secret' } });
  await program.until(({ stderr }) => stderr.includes('/nope'));
  const lines = program.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  const address = '127.0.0.1';
  expect(lines.slice(1)).toMatchObject([
    { msg: 'connected', address, channels: ['a', 'b'] },
    { msg: 'disconnected', address, channels: ['a', 'b'], why: 'gone', events: 1, seconds: expect.any(Number) },
    { msg: 'refused', method: 'POST', path: '/publish', channels: ['a'], code: 'RESERVED_EVENT' },
    { msg: 'refused', method: 'GET', path: '/events', channels: [''], code: 'INVALID_CHANNEL' },
    { msg: 'refused', path: '/nope', code: 'NOT_FOUND', why: expect.stringContaining('/nope') },
  ]);
  expect(lines).toHaveLength(6);
  expect(program.stderr).not.toContain('secret');
});

test('--log-format text is for people, wherever it goes', async () => {
  const { program } = await startHub(['--log-format', 'text']);
  expect(program.stderr).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: listening \{.*\}\n$/);
});

test('a port in use is one clear line, exit code 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const { code, stdout, stderr } = await run(['serve'], { env: { TINYSSE_PORT: String(port) } });
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: `error: cannot listen on 127.0.0.1:${port}: the port is in use; take another one with --port\n`,
  });
});

test('keeps as many events as it is told to, and says when more have gone', async () => {
  const { url, port } = await startHub(['--retain-events', '2', '--heartbeat', '7s']);
  const ids: string[] = [];
  for (const text of ['one', 'two', 'three', 'four'])
    ids.push((JSON.parse((await post(`${url}/publish?channel=a`, text)).text) as { id: string }).id);
  const stream = await subscribe(port, `channel=a&lastEventId=${ids[0]}`);
  await stream.until('data: four');
  expect(stream.received).toContain('event: tinysse:position\ndata: 7000\n');
  expect(stream.received).toContain(`"reason":"evicted","lastEventId":"${ids[0]}","resumedAt":"${ids[1]}"`);
  expect(stream.received).not.toContain('data: two');
  expect(stream.received).toContain('data: three');
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends streams with a word on when to come back, and the hub',
  async (signal) => {
    const { program, url, port } = await startHub();
    const stream = await subscribe(port, 'channel=demo');
    await post(`${url}/publish?channel=demo`, 'last');
    program.child.kill(signal);
    await stream.closed;
    const [, after = ''] = stream.received.split('data: last\n\n');
    expect(Number(/retry: (\d+)/.exec(after)?.[1])).toBeGreaterThanOrEqual(1_000);
    // The last chunk: the stream has ended, it was not cut off.
    expect(stream.received).toMatch(/\r\n0\r\n\r\n$/);
    expect(await program.ended).toBe(0);
  },
);

test('SIGHUP does no harm to a hub without a certificate', async () => {
  const { program, url } = await startHub();
  program.child.kill('SIGHUP');
  await program.until(({ stderr }) => stderr.includes('there is no certificate to read again'));
  expect((await ask(`${url}/healthz`)).status).toBe(200);
});

test('a hub that drains tells newcomers and whoever watches over it so', async () => {
  const { program, url, port } = await startHub();
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200, text: '{"status":"ready"}' });
  const slow = new Raw(port, `GET /events?channel=big HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await slow.until('tinysse:position');
  slow.socket.pause();
  // More than the sockets of both ends hold.
  for (let i = 0; i < 24; i++) await post(`${url}/publish?channel=big`, 'x'.repeat(1_000_000));
  program.child.kill('SIGTERM');
  await program.until(({ stderr }) => stderr.includes('ending'));
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 503, text: '{"status":"draining"}' });
  expect((await ask(`${url}/healthz`)).status).toBe(200);
  expect((await ask(`${url}/metrics`)).text).toContain('\ntinysse_draining 1\n');
  expect((await post(`${url}/publish?channel=a`, 'x')).status).toBe(503);
  expect((await ask(`${url}/events?channel=a`)).status).toBe(503);
});

test('a second signal ends a hub that waits for a slow client', async () => {
  const { program, url, port } = await startHub();
  const slow = new Raw(port, `GET /events?channel=big HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await slow.until('tinysse:position');
  slow.socket.pause();
  // More than the sockets of both ends hold.
  for (let i = 0; i < 24; i++) await post(`${url}/publish?channel=big`, 'x'.repeat(1_000_000));
  program.child.kill('SIGTERM');
  await program.until(({ stderr }) => stderr.includes('ending'));
  expect(await program.end('SIGTERM')).toBe(143);
});

test('--host takes another address of this machine, and --retain-bytes bounds what is kept', async () => {
  const { url, program } = await startHub(['--host', '127.0.0.2', '--retain-bytes', '10kB']);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.2:/);
  for (let n = 0; n < 20; n++) await post(`${url}/publish?channel=a`, 'x'.repeat(1_000));
  const [, bytes] = /^tinysse_log_bytes (\d+)$/m.exec((await ask(`${url}/metrics`)).text) ?? [];
  expect(Number(bytes)).toBeGreaterThan(5_000);
  expect(Number(bytes)).toBeLessThanOrEqual(10_000);
  expect(program.stdout).toContain(`curl -N '${url}/events?channel=demo'`);
});
