import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../../../tinysse/test/log/redis-parts.js';
import { describeWith } from '../../../tinysse/test/programs.js';
import { type Answer, ask, errorOf, idOf, post, Raw, subscribe } from '../http.js';
import { run, startHub } from '../program.js';

const outcome = (answer: Answer): [status: number, code: string] => [answer.status, errorOf(answer).code];

describe('a hub is told how many', () => {
  test('clients it takes', async () => {
    const { url, port } = await startHub(['--max-clients', '1']);
    const stream = await subscribe(port, 'channel=a');
    expect(outcome(await ask(`${url}/events?channel=a`))).toEqual([503, 'BUSY']);
    stream.socket.destroy();
    while ((await ask(`${url}/events?channel=a`, { method: 'HEAD' })).status !== 200);
  });

  test('channels a client and an event may have', async () => {
    const { url } = await startHub(['--max-channels-per-client', '2', '--max-channels-per-event', '1']);
    expect(outcome(await ask(`${url}/events?channel=a&channel=b&channel=c`))).toEqual([400, 'TOO_MANY_CHANNELS']);
    expect(outcome(await post(`${url}/publish?channel=a&channel=b`, 'x'))).toEqual([400, 'TOO_MANY_CHANNELS']);
  });

  test('bytes an event may have', async () => {
    const { url } = await startHub(['--max-event-size', '2MiB']);
    const text = 'x'.repeat(1_500_000);
    expect((await post(`${url}/publish?channel=a`, text)).status).toBe(200);
    expect(outcome(await post(`${url}/publish?channel=a`, text + text))).toEqual([413, 'EVENT_TOO_LARGE']);
    const args = ['publish', 'a', '--url', url];
    expect((await run([...args, '--max-event-size', '2MiB'], { input: text })).code).toBe(0);
    expect((await run(args, { input: text })).stderr).toContain('stdin is longer than 1048576 bytes');
  });

  test('channels its log knows', async () => {
    const { url } = await startHub(['--max-channels', '2']);
    for (const channel of ['a', 'b', 'c']) await post(`${url}/publish?channel=${channel}`, 'x');
    const { text } = await ask(`${url}/metrics`);
    expect(text).toContain('tinysse_log_evicted_events_total{cause="channels"} 1\n');
  });

  test('keys its log remembers, and for how long', async () => {
    const few = await startHub(['--max-keys', '1']);
    const at = (url: string, key: string) => post(`${url}/publish?channel=a&key=${key}`, 'x').then(idOf);
    const first = await at(few.url, 'one');
    expect(outcome(await post(`${few.url}/publish?channel=a&key=two`, 'x'))).toEqual([503, 'LOG_KEYS_FULL']);
    expect((await post(`${few.url}/publish?channel=a`, 'x')).status).toBe(200);
    expect(await at(few.url, 'one')).toBe(first);
    const short = await startHub(['--key-window', '50ms']);
    const once = await at(short.url, 'one');
    while ((await at(short.url, 'one')) === once);
  });

  test.each([
    ['--max-pending-publishes', '3', 3],
    ['--max-pending-bytes', '60B', 2],
  ])('publishes may wait for its log: %s', async (flag, value, most) => {
    const folder = mkdtempSync(join(tmpdir(), 'tinysse-limits-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { url } = await startHub(['--data-dir', folder, flag, value]);
    const lines = `${JSON.stringify({ channels: ['a'], data: 'x'.repeat(20) })}\n`.repeat(10);
    const { text } = await post(`${url}/publish`, lines, { 'content-type': 'application/x-ndjson' });
    const answers = text.trimEnd().split('\n');
    expect(answers.filter((line) => line.startsWith('{"id"'))).toHaveLength(most);
    expect(answers.filter((line) => line.includes('"LOG_BUSY"'))).toHaveLength(10 - most);
  });
});

describeWith(['redis-server'], 'a hub is told how long', () => {
  test('its log may take for a publish', async () => {
    const redis = await RedisServer.start();
    const args = ['--redis', `redis://127.0.0.1:${redis.port}`, '--publish-timeout', '100ms'];
    const { url } = await startHub(args);
    expect((await post(`${url}/publish?channel=a`, 'x')).status).toBe(200);
    redis.signal('SIGSTOP');
    expect(outcome(await post(`${url}/publish?channel=a`, 'x'))).toEqual([503, 'LOG_TIMEOUT']);
    redis.signal('SIGCONT');
  });
});

/** A subscriber that does not read what it is sent: more than the sockets of both ends hold. */
async function slowClient(url: string, port: number): Promise<Raw> {
  const slow = new Raw(port, `GET /events?channel=big HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await slow.until('tinysse:position');
  slow.socket.pause();
  for (let i = 0; i < 24; i++) await post(`${url}/publish?channel=big`, 'x'.repeat(1_000_000));
  return slow;
}

test('a client may take nothing for as long as --stall-timeout says', async () => {
  const { url, port, program } = await startHub(['--stall-timeout', '200ms']);
  await slowClient(url, port);
  await program.until(({ stderr }) => stderr.includes('"why":"stalled"'));
  expect((await ask(`${url}/metrics`)).text).toContain('tinysse_disconnects_total{reason="stalled"} 1\n');
});

test('a hub that ends waits for slow clients as long as --drain-timeout says', async () => {
  const { url, port, program } = await startHub(['--drain-timeout', '100ms']);
  await slowClient(url, port);
  program.child.kill('SIGTERM');
  expect(await program.ended).toBe(0);
  expect(program.stderr).toContain('"why":"draining"');
});

describe('the limit of open files', () => {
  test('is read at the start, said, and leaves 256 beside a file for each client', async () => {
    const { program } = await startHub([], 'ulimit -n 300');
    expect(JSON.parse(program.stderr)).toMatchObject({ msg: 'listening', files: 300, clients: 44 });
    expect(program.stdout).toContain('\nThere is room for 44 clients and 300 open files.\n');
    const enough = await startHub(['--max-clients', '40'], 'ulimit -n 300');
    expect(JSON.parse(enough.program.stderr)).toMatchObject({ files: 300, clients: 40 });
    const withSnapshots = await startHub(
      ['--snapshot-url', 'http://127.0.0.1:1/', '--max-snapshots', '5'],
      'ulimit -n 300',
    );
    expect(JSON.parse(withSnapshots.program.stderr)).toMatchObject({ files: 300, clients: 24 });
  });

  test('that leaves room for no client is one line that says what to do, exit code 1', async () => {
    const { code, stderr } = await run(['serve', '--memory', '--port', '0'], { shell: 'ulimit -n 256' });
    expect([code, stderr]).toEqual([
      1,
      'error: this process may open 256 files, and the hub needs 256 beside one for each client; ' +
        'raise the limit, as with ulimit -n 65536 or LimitNOFILE= of systemd\n',
    ]);
  });

  test('is kept to: clients beyond it are told to come back, and the hub goes on', async () => {
    const { url, port } = await startHub([], 'ulimit -n 300');
    const streams = await Promise.all(Array.from({ length: 44 }, () => subscribe(port, 'channel=a')));
    const late = new Raw(
      port,
      `GET /events?channel=a HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await late.until('retry: ');
    await post(`${url}/publish?channel=a`, 'to all');
    await Promise.all(streams.map((stream) => stream.until('data: to all')));
  });
});
