import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { subscribe } from './http.js';
import { type Hub, openHub, run, start, startHub } from './program.js';

let hub: Hub;
let env: Record<string, string>;
beforeAll(async () => {
  hub = await openHub();
  env = { TINYSSE_URL: hub.url };
});
afterAll(() => hub?.program.end());

const ID = /^[0-9a-f]{16}-\d+\n$/;

describe('one event', () => {
  test('prints its id', async () => {
    const stream = await subscribe(hub.port, 'channel=a');
    const { code, stdout, stderr } = await run(['publish', 'a', 'hello'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(ID);
    await stream.until(`id: ${stdout}data: hello\n\n`);
  });

  test('goes to several channels, with a name, once for a key', async () => {
    const stream = await subscribe(hub.port, 'channel=x&channel=y%20z');
    const args = ['publish', 'x', '-c', 'y z', '--event', 'new', '--key', 'k', '--url', hub.url, '--', '-1'];
    const first = await run(args);
    expect(await run(args)).toEqual(first);
    await run(['publish', 'x', 'end'], { env });
    await stream.until('data: end');
    expect(stream.received.match(/event: new\ndata: -1\n\n/g)).toHaveLength(1);
  });

  test('comes from stdin, less its last line end', async () => {
    const stream = await subscribe(hub.port, 'channel=in');
    await run(['publish', 'in'], { env, input: 'one\ntwo\n' });
    await stream.until('data: one\ndata: two\n\n');
    await run(['publish', 'in', '--event', 'crlf'], { env, input: 'three\r\n' });
    await stream.until('event: crlf\ndata: three\n\n');
  });

  test.each([
    [['', 'x'], 'error: channel "" must not be empty\n'],
    [['a', 'x', '--event', 'tinysse:x'], 'error: event name "tinysse:x": names beginning "tinysse:" are reserved\n'],
    [['a', 'x', '--key', ''], 'error: key "" must not be empty\n'],
  ])('that makes no sense is exit code 2: %s', async (args, stderr) => {
    expect(await run(['publish', ...args], { env })).toEqual({ code: 2, stdout: '', stderr });
  });

  test('that is too long or not text is refused', async () => {
    const long = await run(['publish', 'a'], { env, input: 'x'.repeat(2 ** 20 + 10) });
    expect(long).toMatchObject({ code: 1, stderr: expect.stringContaining('longer than 1048576 bytes') });
    const binary = await run(['publish', 'a'], { env, input: new Uint8Array([255]) });
    expect(binary).toMatchObject({ code: 2, stderr: expect.stringContaining('not valid UTF-8') });
  });

  test('is refused in one line by what is no hub, or by nothing at all', async () => {
    const mount = await run(['publish', 'a', 'x', '--url', `${hub.url}/console`]);
    expect(mount).toEqual({ code: 1, stdout: '', stderr: 'error: there is nothing at /console/publish\n' });
    const gone = await startHub();
    await gone.program.end();
    const nobody = await run(['publish', 'a', 'x', '--url', gone.url]);
    expect(nobody).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: cannot reach the hub at ${gone.url}: connection refused\n`,
    });
  });
});

describe('--lines', () => {
  test('publishes each line as it comes, in order, and prints nothing', async () => {
    const stream = await subscribe(hub.port, 'channel=lines');
    const program = start(['publish', 'lines', '--lines', '--event', 'row'], env);
    program.child.stdin.write('first\nsec');
    await stream.until('event: row\ndata: first\n\n');
    program.child.stdin.write('ond\r\n\n');
    program.child.stdin.end('last');
    await stream.until('data: last');
    expect(stream.received.match(/(?<=data: ).*/g)?.slice(1)).toEqual(['first', 'second', '', 'last']);
    expect(await program.ended).toBe(0);
    expect([program.stdout, program.stderr]).toEqual(['', '']);
  });

  test('keeps the order of many lines, and with --key a second run adds none', async () => {
    const input = Array.from({ length: 500 }, (_, i) => `${i}\n`).join('');
    const stream = await subscribe(hub.port, 'channel=many');
    for (let time = 0; time < 2; time++)
      expect((await run(['publish', 'many', '--lines', '--key', 'run'], { env, input })).code).toBe(0);
    await run(['publish', 'many', 'end'], { env });
    await stream.until('data: end');
    const seen = stream.received.match(/(?<=data: )\d{1,3}(?=\n\n)/g)?.map(Number);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  test('stops at a line that is refused, and says which', async () => {
    const result = await run(['publish', 'a', '--lines'], { env, input: Buffer.from('ok\n\xff\nnever\n', 'latin1') });
    expect(result).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: line 2: .*UTF-8.*\n$/),
    });
    const long = await run(['publish', 'a', '--lines'], { env, input: `ok\n${'x'.repeat(2 ** 20 + 1)}` });
    expect(long).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: line 2: longer than 1048576 bytes.*\n$/),
    });
  });
});
