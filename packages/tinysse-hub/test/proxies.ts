import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { program } from '../../tinysse/test/programs.js';

/** The configuration in docs/proxies.md. */
function snippet(name: string): string {
  const doc = readFileSync(new URL('../../../docs/proxies.md', import.meta.url), 'utf8');
  const [, text] = new RegExp(`<!-- proxy: ${name} -->\n\`\`\`\\w+\n(.*?)\`\`\``, 's').exec(doc) ?? [];
  if (text === undefined) throw new Error(`docs/proxies.md has no proxy ${name}`);
  return text;
}

/** What is around a snippet, and how each program is told to read it. */
const programs: Record<
  string,
  (folder: string, text: string, port: number) => [file: string, text: string, args: string[]]
> = {
  nginx(folder, text) {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path ${folder}/${of};`);
    const around = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${paths.join(' ')}
${text}}
`;
    return ['nginx.conf', around, ['-c', `${folder}/nginx.conf`]];
  },
  haproxy: (folder, text) => ['haproxy.cfg', text, ['-db', '-f', `${folder}/haproxy.cfg`]],
  caddy(folder, text, port) {
    const site = text.replace('hub.example.com', `http://127.0.0.1:${port}`);
    const around = `{\n  admin off\n}\n${site}`;
    return ['Caddyfile', around, ['run', '--adapter', 'caddyfile', '--config', `${folder}/Caddyfile`]];
  },
};

/** Starts a proxy of docs/proxies.md in front of a hub. @returns where it listens */
export async function startProxy(name: string, hubPort: number): Promise<string> {
  const [kind = ''] = name.split(' ');
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-proxy-'));
  const port = await freePort();
  const text = snippet(name)
    .replaceAll(':7730', `:${hubPort}`)
    .replace(/\b8080\b/, String(port));
  const [file, around, args] = programs[kind]!(folder, text, port);
  writeFileSync(join(folder, file), around);
  const child = spawn(program(kind) as string, args, { env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder } });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (said += chunk));
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${name} has ended: ${said}`);
    await wait(20);
  }
  return url;
}

/** A port that was free a moment ago: none of the programs says which one it took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A stream that takes compression. */
export class Reader {
  readonly sent: ClientRequest;
  text = '';
  ended = false;
  #changed: () => void = () => {};

  constructor(url: string) {
    this.sent = request(url, { agent: false, headers: { accept: 'text/event-stream', 'accept-encoding': 'gzip' } });
    onTestFinished(() => void this.sent.destroy());
    this.sent.on('error', () => {}).end();
    this.sent.on('response', (response: IncomingMessage) => {
      const body = response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response;
      body.setEncoding('utf8').on('data', (chunk: string) => {
        this.text += chunk;
        this.#changed();
      });
      response.on('close', () => {
        this.ended = true;
        this.#changed();
      });
    });
  }

  /** Waits for what the stream has not had yet. @returns after how many milliseconds it was there */
  async until(is: (text: string) => boolean): Promise<number> {
    const begun = performance.now();
    while (!is(this.text)) {
      if (this.ended) throw new Error(`the stream has ended: ${this.text}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    return performance.now() - begun;
  }
}
