import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../../tinysse/test/log/redis-parts.js';
import { describeWith } from '../../tinysse/test/programs.js';
import { ask, post, subscribe } from './http.js';
import { run, start, startHub } from './program.js';

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tinysse-hub-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const publish = async (url: string, text: string): Promise<string> =>
  (JSON.parse((await post(`${url}/publish?channel=a`, text)).text) as { id: string }).id;

test('says where events are kept', async () => {
  const dir = join(await folder(), 'data');
  const disk = await startHub(['--data-dir', dir]);
  expect(disk.program.stdout).toContain(`\nEvents are kept in ${dir}.\n`);
  expect(await readdir(dir)).toContain('data.mdb');
  const memory = await startHub(['--memory']);
  expect(memory.program.stdout).toContain('\nEvents are kept in memory: they are gone when it ends.\n');
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a hub on disk that ended by %s goes on where it was: nobody who comes back misses an event or is reset',
  async (signal) => {
    const args = ['--data-dir', await folder()];
    const first = await startHub(args);
    const ids = [await publish(first.url, 'one'), await publish(first.url, 'two')];
    expect(await first.program.end(signal)).toBe(signal === 'SIGTERM' ? 0 : signal);
    const second = await startHub(args);
    const stream = await subscribe(second.port, `channel=a&lastEventId=${ids[0]}`);
    await stream.until(`id: ${ids[1]}\ndata: two\n\n`);
    await publish(second.url, 'three');
    await stream.until('data: three\n\n');
    expect(stream.received).not.toContain('tinysse:reset');
  },
);

test('--new-epoch tells who comes back that events may be missing, and keeps those that are there', async () => {
  const args = ['--data-dir', await folder()];
  const first = await startHub(args);
  const ids = [await publish(first.url, 'one'), await publish(first.url, 'two')];
  await first.program.end('SIGTERM');
  const second = await startHub([...args, '--new-epoch']);
  const stream = await subscribe(second.port, `channel=a&lastEventId=${ids[1]}`);
  await stream.until('data: two\n\n');
  expect(stream.received).toContain(`"reason":"epoch","lastEventId":"${ids[1]}"`);
});

test('a directory that another hub has is one line that says what to do, exit code 1', async () => {
  const dir = await folder();
  await startHub(['--data-dir', dir]);
  const { code, stdout, stderr } = await run(['serve', '--port', '0', '--data-dir', dir]);
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr:
      `error: another log has ${dir} open; one log at a time may use a directory; ` +
      'end the other hub, or take another directory with --data-dir\n',
  });
});

test('a directory that holds something else is one line that says what to do, exit code 1', async () => {
  const dir = await folder();
  await writeFile(join(dir, 'data.mdb'), 'a diary');
  const { code, stderr } = await run(['serve', '--port', '0'], { env: { TINYSSE_DATA_DIR: dir } });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^error: ${dir} holds a data.mdb that is damaged.*; take another directory with --data-dir, or .*\n$`),
  );
});

test('a directory that cannot be made is one line, exit code 1', async () => {
  const file = join(await folder(), 'file');
  await writeFile(file, '');
  const { code, stderr } = await run(['serve', '--port', '0', '--data-dir', join(file, 'data')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: cannot open the log in \S+: ENOTDIR.*; take another directory with --data-dir.*\n$/);
});

test('a Redis that is not there is one line without its password, exit code 1', async () => {
  const { code, stderr } = await run(['serve', '--port', '0', '--redis', 'redis://:secret@127.0.0.1:1']);
  expect(code).toBe(1);
  expect(stderr).toBe(
    'error: there is no connection to Redis: connect ECONNREFUSED 127.0.0.1:1; ' +
      'see that Redis at 127.0.0.1:1 runs and lets this hub in\n',
  );
});

describeWith(['redis-server'], 'hubs that share a Redis', () => {
  test('deliver what any of them publishes, and a client goes on at another one', async () => {
    const redis = await RedisServer.start();
    const args = ['--redis', `redis://127.0.0.1:${redis.port}`];
    const [one, two] = await Promise.all([startHub(args), startHub(args)]);
    expect(one.program.stdout).toContain(`\nEvents are kept in Redis at 127.0.0.1:${redis.port}.\n`);
    const stream = await subscribe(one.port, 'channel=a');
    const id = await publish(two.url, 'first');
    await stream.until(`id: ${id}\ndata: first\n\n`);
    await one.program.end('SIGKILL');
    await publish(two.url, 'second');
    const again = await subscribe(two.port, `channel=a&lastEventId=${id}`);
    await again.until('data: second\n\n');
    expect(again.received).not.toContain('tinysse:reset');
  });

  test.each([
    ['goes on where it was', [], ''],
    ['tells its clients what retention took', ['--retain-events', '3'], '"reason":"evicted"'],
  ] as const)('one that hangs for longer than the tail of the log reaches %s', async (_, flags, reset) => {
    const redis = await RedisServer.start();
    const args = ['--redis', `redis://127.0.0.1:${redis.port}`, ...flags];
    const [one, two] = await Promise.all([startHub(args), startHub(args)]);
    const stream = await subscribe(two.port, 'channel=a');
    await publish(one.url, 'before');
    await stream.until('data: before\n\n');
    two.program.child.kill('SIGSTOP');
    // The tail holds 16 MiB.
    for (let i = 0; i < 20; i++) await publish(one.url, `${i} ${'x'.repeat(900_000)}`);
    two.program.child.kill('SIGCONT');
    await stream.until('data: 19 xxx');
    const got = [...stream.received.matchAll(/data: (\d+) x/g)].map(([, number]) => Number(number));
    const [all, kept] = [Array.from({ length: 20 }, (_, i) => i), reset ? 3 : 20];
    // The first may have been on its way when the hub stopped.
    expect(got).toEqual([...all.slice(0, got.length - kept), ...all.slice(-kept)]);
    expect(stream.received.match(/tinysse:reset/g)?.length ?? 0).toBe(reset ? 1 : 0);
    expect(stream.received).toContain(reset);
  });

  test('stay up while Redis is away: publishing is refused with a code, streams wait and go on', async () => {
    const redis = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    const { program, url, port } = await startHub(['--redis', `redis://127.0.0.1:${redis.port}`]);
    const stream = await subscribe(port, 'channel=a');
    await publish(url, 'before');
    await stream.until('data: before\n\n');
    await redis.kill();
    const refused = await post(`${url}/publish?channel=a`, 'lost');
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([503, 'LOG_UNAVAILABLE']);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    await redis.start(['--save', '']);
    await publish(url, 'after');
    await stream.until('data: after\n\n');
    expect(stream.received).not.toContain('data: lost');
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('say that a password is missing', async () => {
    const redis = await RedisServer.start(['--requirepass', 'secret']);
    const { code, stderr } = await run(['serve', '--port', '0', '--redis', `redis://127.0.0.1:${redis.port}`]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: .*NOAUTH.*; see that Redis .*\n$/)]);
    const hub = start(['serve', '--port', '0', '--redis', `redis://:secret@127.0.0.1:${redis.port}`]);
    await hub.until(({ stdout }) => stdout.includes('Events are kept'));
    expect(hub.stdout + hub.stderr).not.toContain('secret');
  });
});

test('a hub whose directory is taken over says that it is not ready, for as long as it cannot publish', async () => {
  const dir = await folder();
  const older = await startHub(['--data-dir', dir]);
  await publish(older.url, 'one');
  for (const name of await readdir(dir)) if (name.startsWith('lock-')) await rm(join(dir, name));
  const newer = await startHub(['--data-dir', dir]);
  expect((await ask(`${older.url}/readyz`)).status).toBe(503);
  expect((await ask(`${older.url}/metrics`)).text).toContain('\ntinysse_log_up 0\n');
  expect((await post(`${older.url}/publish?channel=a`, 'refused')).status).toBe(503);
  const last = await publish(newer.url, 'two');
  await newer.program.end('SIGTERM');
  await expect.poll(async () => (await ask(`${older.url}/readyz`)).status, { timeout: 10_000 }).toBe(200);
  expect((await ask(`${older.url}/metrics`)).text).toContain('\ntinysse_log_up 1\n');
  const stream = await subscribe(older.port, `channel=a&lastEventId=${last}`);
  await publish(older.url, 'three');
  await stream.until('data: three\n\n');
  expect(stream.received).not.toContain('tinysse:reset');
});

test('a hub whose directory is deleted begins anew, and tells its streams so', async () => {
  const dir = await folder();
  const hub = await startHub(['--data-dir', dir]);
  const stream = await subscribe(hub.port, 'channel=a');
  await publish(hub.url, 'one');
  await stream.until('data: one\n\n');
  await rm(dir, { recursive: true });
  expect((await ask(`${hub.url}/readyz`)).status).toBe(503);
  await stream.until('"reason":"epoch"');
  await publish(hub.url, 'two');
  await stream.until('data: two\n\n');
});
