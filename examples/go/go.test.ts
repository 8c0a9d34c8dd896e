import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Built, buildGo, GO_BUILD_MS } from '../../packages/tinysse/test/go.js';
import { describeWith } from '../../packages/tinysse/test/programs.js';
import { start, startHub } from '../../packages/tinysse-hub/test/program.js';

/** A server that is no hub, until the test has finished. @returns its URL */
async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describeWith(['go'], 'the Go example', () => {
  let example: Built;
  beforeAll(async () => {
    example = await buildGo(new URL('.', import.meta.url));
  }, GO_BUILD_MS);
  afterAll(() => example?.remove());

  const go = (url: string, ...args: string[]) => start(args, { TINYSSE_URL: url }, example.file);

  /** Publishes lines; gives what the program said about them. */
  async function publish(url: string, lines: string, ...args: string[]) {
    const program = go(url, 'publish', ...args);
    program.child.stdin.end(lines);
    const code = await program.ended;
    return { code, ids: program.stdout.split('\n').slice(0, -1), stderr: program.stderr };
  }

  test('prints what it publishes, under the ids that the hub answered', async () => {
    const { url } = await startHub();
    const reader = go(url, 'subscribe', 'a b', 'earliest');
    const unnamed = await publish(url, 'one\nzwei é 😀\n', 'a b');
    const named = await publish(url, ' {"n":1}\n', 'a b', 'update');
    expect([unnamed.code, named.code]).toEqual([0, 0]);
    await reader.until(({ stdout }) => stdout.includes('update'));
    expect(reader.stdout.split('\n')).toEqual([
      `${unnamed.ids[0]} message "one"`,
      `${unnamed.ids[1]} message "zwei é 😀"`,
      `${named.ids[0]} update " {\\"n\\":1}"`,
      '',
    ]);
    expect(await reader.end('SIGINT')).toBe(0);
  });

  test('goes on after a hub that was killed, publishing and reading, without loss or repeat', async () => {
    const data = await mkdtemp(join(tmpdir(), 'tinysse-hub-'));
    onTestFinished(() => rm(data, { recursive: true }));
    const first = await startHub(['--data-dir', data]);
    const reader = go(first.url, 'subscribe', 'a', 'earliest');
    await publish(first.url, '1\n', 'a');
    await reader.until(({ stdout }) => stdout.includes('"1"'));
    await first.program.end();
    await reader.until(({ stderr }) => stderr.includes('reconnecting'));
    const during = publish(first.url, '2\n3\n', 'a');
    const again = await startHub(['--data-dir', data, '--port', String(first.port)]);
    expect((await during).code).toBe(0);
    await reader.until(({ stdout }) => stdout.includes('"3"'));
    expect(reader.stdout.match(/(?<= )\S+$/gm)).toEqual(['"1"', '"2"', '"3"']);
    await again.program.end();
  });

  test('is told when a hub has lost its events', async () => {
    const first = await startHub();
    const reader = go(first.url, 'subscribe', 'a', 'earliest');
    await publish(first.url, 'lost\n', 'a');
    await reader.until(({ stdout }) => stdout.includes('"lost"'));
    await first.program.end();
    await startHub(['--port', String(first.port)]);
    await reader.until(({ stdout }) => stdout.includes('reset epoch: events may be missing\n'));
  });

  test('publishes once when the answer is lost, and it has to try again', async () => {
    const { url } = await startHub();
    let requests = 0;
    const cutter = await listen((req, res) => {
      const first = ++requests === 1;
      const headers = { ...req.headers, host: new URL(url).host };
      const onward = request(url + req.url, { method: req.method, headers }, (answer) => {
        if (first) res.destroy();
        else answer.pipe(res);
      });
      req.pipe(onward);
    });
    const { ids } = await publish(cutter, 'once\n', 'a');
    await publish(url, 'then\n', 'a');
    const reader = go(url, 'subscribe', 'a', 'earliest');
    await reader.until(({ stdout }) => stdout.includes('"then"'));
    expect(requests).toBe(2);
    expect(reader.stdout).toMatch(new RegExp(`^${ids[0]} message "once"\n\\S+ message "then"\n$`));
  });

  test('leaves a stream that is silent for longer than the hub said it would be', async () => {
    const asked: unknown[] = [];
    const silent = await listen((req, res) => {
      asked.push(req.headers['last-event-id']);
      res.writeHead(asked.length < 3 ? 200 : 204, { 'content-type': 'text/event-stream' });
      if (asked.length < 3) res.write('retry: 1\nid: e-1\nevent: tinysse:position\ndata: 20\n\n');
      else res.end();
    });
    const reader = go(silent, 'subscribe', 'a');
    expect([await reader.ended, asked]).toEqual([0, [undefined, 'e-1', 'e-1']]);
    expect(reader.stdout).toBe('');
  });

  test('ends and says why when the hub refuses', async () => {
    const { url } = await startHub();
    const refused = await publish(url, 'x\n', '');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^400 .*INVALID_CHANNEL: .*empty\n$/)]);
    const reader = go(url, 'subscribe', '');
    expect([await reader.ended, reader.stderr]).toEqual([1, expect.stringContaining('refused: 400')]);
  });
});
