import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ask } from './http.js';
import { startHub } from './program.js';

const BIN = fileURLToPath(new URL('../bin/tinysse-hub.js', import.meta.url));

test.each(['text', 'json'])(
  'a hub whose log of %s nobody reads goes on answering',
  { timeout: 60_000 },
  async (format) => {
    const args = [BIN, 'serve', '--memory', '--port', '0', '--log-format', format];
    // Nothing reads its stderr, a pipe of 64 KiB.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    while (!out.includes('/events?')) await once(child.stdout, 'data');
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(out) ?? [];
    // A line of more than 200 bytes each: several pipes full.
    for (let i = 0; i < 1_000; i++) expect((await ask(`${url}/${'x'.repeat(200)}`)).status).toBe(404);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    await expect.poll(() => log.includes('refused')).toBe(true);
  },
);

test('a request that is refused writes a few KB to the log, however long its channels are', async () => {
  const { url, program } = await startHub(['--log-format', 'json']);
  const query = Array.from({ length: 20 }, () => `channel=${'x'.repeat(3_000)}`).join('&');
  for (const path of ['events', 'publish']) {
    const { length } = program.stderr;
    const { status } = await ask(`${url}/${path}?${query}`, { method: path === 'publish' ? 'POST' : 'GET' });
    expect(status).toBeGreaterThanOrEqual(400);
    await program.until(({ stderr }) => /"refused"\}\n$/.test(stderr.slice(length)));
    expect(program.stderr.length - length).toBeLessThan(6_000);
  }
});
