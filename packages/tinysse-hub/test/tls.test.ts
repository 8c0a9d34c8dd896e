import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../tinysse/test/programs.js';
import { launch } from './browser.js';
import { makeCertificate } from './certificate.js';
import { run, startHub } from './program.js';

/** A session of HTTP/2 with a hub. */
function session(url: string): ClientHttp2Session {
  const client = connectHttp2(url, { rejectUnauthorized: false });
  client.on('error', () => {});
  onTestFinished(() => client.destroy());
  return client;
}

/** A stream that keeps what it has received. */
async function stream(
  client: ClientHttp2Session,
  path: string,
): Promise<{ text: () => string; until: (text: string) => Promise<void>; ended: Promise<unknown> }> {
  const sent: ClientHttp2Stream = client.request({ ':path': path });
  const ended = once(sent, 'end');
  let text = '';
  sent.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const until = async (part: string): Promise<void> => {
    while (!text.includes(part)) await once(sent, 'data');
  };
  await until('tinysse:position');
  return { text: () => text, until, ended };
}

/** Sends one request. @returns its status and the answer's text */
async function ask(client: ClientHttp2Session, head: Record<string, string>, body?: string): Promise<[number, string]> {
  const sent = client.request(head);
  sent.setEncoding('utf8').end(body);
  const [headers] = (await once(sent, 'response')) as [{ ':status': number }];
  let text = '';
  for await (const chunk of sent) text += chunk;
  return [headers[':status'], text];
}

const publish = (client: ClientHttp2Session, data: string, headers = {}) =>
  ask(client, { ':method': 'POST', ':path': '/publish?channel=a', ...headers }, data);

describeWith(['openssl', 'chromium'], 'with --tls-cert and --tls-key', () => {
  let folder = '';
  let pair = { cert: '', key: '' };
  let other = { cert: '', key: '' };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tinysse-tls-'));
    pair = makeCertificate(folder, 'one');
    other = makeCertificate(folder, 'two');
    return () => rmSync(folder, { recursive: true });
  });
  const startSecure = (more: string[] = []) => startHub(['--tls-cert', pair.cert, '--tls-key', pair.key, ...more]);

  test('serves streams and takes publishes over HTTP/2', async () => {
    const { url } = await startSecure();
    expect(url).toMatch(/^https:/);
    const client = session(url);
    const reader = await stream(client, '/events?channel=a');
    const [status, text] = await publish(client, 'over two');
    expect([status, JSON.parse(text)]).toEqual([200, { id: expect.any(String) }]);
    await reader.until('data: over two\n\n');
  });

  test('falls back to HTTP/1.1', async () => {
    const { url } = await startSecure();
    const sent = request(`${url}/publish?channel=a`, { method: 'POST', ca: readFileSync(pair.cert), agent: false });
    sent.end('x');
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; httpVersion: string }];
    expect([response.statusCode, response.httpVersion]).toEqual([200, '1.1']);
  });

  test('refuses over HTTP/2 as over HTTP/1.1, and goes on', async () => {
    const { url, program } = await startSecure();
    const client = session(url);
    expect((await ask(client, { ':path': '/nope' }))[0]).toBe(404);
    expect((await ask(client, { ':path': '/events?channel=' }))[0]).toBe(400);
    expect((await publish(client, 'x'.repeat(2 ** 20 + 1)))[0]).toBe(413);
    expect((await publish(client, 'x', { origin: 'https://evil.example' }))[0]).toBe(403);
    expect((await ask(client, { ':path': '/', ':authority': 'evil.example' }))[0]).toBe(421);
    expect((await publish(client, 'x', { origin: url }))[0]).toBe(200);
    expect(program.stderr).not.toMatch(/warning/i);
  });

  test('200 streams of one browser share one connection', async () => {
    const { url, program } = await startSecure();
    const browser = await launch();
    onTestFinished(() => browser.close());
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    await page.goto(url.replace('127.0.0.1', 'localhost'));
    await page.locator('[data-state=open]').waitFor();
    const sockets = (): number => {
      const fds = `/proc/${program.child.pid}/fd`;
      return readdirSync(fds).filter((fd) => {
        try {
          return readlinkSync(join(fds, fd)).startsWith('socket:');
        } catch {
          return false;
        }
      }).length;
    };
    const before = sockets();
    await page.evaluate(async () => {
      const streams = Array.from({ length: 200 }, () => new EventSource('/events?channel=many'));
      const heard = streams.map((source) => new Promise((resolve) => source.addEventListener('message', resolve)));
      await Promise.all(streams.map((source) => new Promise((resolve) => source.addEventListener('open', resolve))));
      Object.assign(window, { heard: Promise.all(heard) });
    });
    expect(sockets()).toBe(before);
    const answer = await publish(session(url), 'to all', { ':path': '/publish?channel=many' });
    expect(answer[0]).toBe(200);
    expect(
      await page.evaluate(async () => (await (window as never as { heard: Promise<unknown[]> }).heard).length),
    ).toBe(200);
  });

  test('SIGHUP takes the certificate from its files again; streams go on', async () => {
    const [cert, key] = [join(folder, 'live.pem'), join(folder, 'live.key')];
    const use = (from: { cert: string; key: string }): void => {
      copyFileSync(from.cert, cert);
      copyFileSync(from.key, key);
    };
    use(pair);
    const { url, port, program } = await startHub(['--tls-cert', cert, '--tls-key', key]);
    const fingerprint = async (): Promise<string> => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const client = session(url);
    const reader = await stream(client, '/events?channel=a');
    const first = await fingerprint();

    use(other);
    program.child.kill('SIGHUP');
    await program.until(({ stderr }) => stderr.includes('read the certificate again'));
    const second = await fingerprint();
    expect(second).not.toBe(first);
    expect((await publish(client, 'still here'))[0]).toBe(200);
    await reader.until('still here');

    writeFileSync(key, 'no key');
    program.child.kill('SIGHUP');
    await program.until(({ stderr }) => stderr.includes('the one before stays'));
    expect(await fingerprint()).toBe(second);
  });

  test('SIGTERM ends streams over HTTP/2 with a word on when to come back, and the hub', async () => {
    const { url, program } = await startSecure();
    const reader = await stream(session(url), '/events?channel=a');
    program.child.kill('SIGTERM');
    await reader.ended;
    expect(reader.text()).toMatch(/retry: \d+\n\n$/);
    expect(await program.ended).toBe(0);
  });

  test('says what is wrong with a certificate, before anything else', async () => {
    const tried = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(['serve', '--port', '0', ...args]);
      expect({ stdout, lines: stderr.match(/\n/g)?.length }).toEqual({ stdout: '', lines: 1 });
      return [code, stderr];
    };
    expect(await tried('--tls-cert', pair.cert)).toEqual([2, expect.stringContaining('belong together')]);
    expect(await tried('--tls-cert', '/no.pem', '--tls-key', pair.key)).toEqual([
      1,
      expect.stringContaining('--tls-cert /no.pem: '),
    ]);
    expect(await tried('--tls-cert', pair.cert, '--tls-key', other.key)).toEqual([
      1,
      expect.stringContaining('no certificate and key of one another'),
    ]);
  });
});
