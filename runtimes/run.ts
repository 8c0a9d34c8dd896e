import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createScriptedServer } from 'tinysse/testing/server';
import { onTestFinished } from 'vitest';

/** How a case went in a runtime. */
export interface Line {
  suite: string;
  name: string;
  error?: string;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A runner with everything that it imports: the packages as built, and nothing of Node but what the runner names. */
async function bundle(runner: string, define: Record<string, string> = {}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [here(runner)],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    external: ['node:process'],
    define,
  });
  return outputFiles[0]!.text;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tinysse-runtime-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

async function scriptedServer(page?: string): Promise<string> {
  const server = await createScriptedServer(page);
  onTestFinished(() => server.close());
  return server.url;
}

/** Starts a program that is ended with the test; browsers are not asked for what they say. */
export function start(program: string, args: string[], quiet = false): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', quiet ? 'ignore' : 'inherit'],
    detached: true,
  });
  onTestFinished(() => {
    try {
      // Browsers are several processes: end their group.
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  });
  return child;
}

/** Runs the suites in a program that takes a script and its arguments, and gives a line of output for every case. */
export async function runProcess(program: string, ...args: string[]): Promise<Line[]> {
  const script = join(folder(), 'process.mjs');
  writeFileSync(script, await bundle('process.mjs'));
  const child = start(program, [...args, script, await scriptedServer()]);
  const lines: Line[] = [];
  for await (const line of createInterface({ input: child.stdout! })) lines.push(JSON.parse(line));
  return lines;
}

/** Runs the suites in a worker of workerd. */
export async function runWorker(program: string): Promise<Line[]> {
  const files = folder();
  cpSync(here('worker.capnp'), join(files, 'worker.capnp'));
  writeFileSync(join(files, 'worker.js'), await bundle('worker.mjs'));
  const child = start(program, ['serve', join(files, 'worker.capnp'), '--control-fd=1']);
  for await (const line of createInterface({ input: child.stdout! })) {
    const { event, port } = JSON.parse(line);
    if (event !== 'listen') continue;
    const response = await fetch(`http://127.0.0.1:${port}/?server=${encodeURIComponent(await scriptedServer())}`);
    return (await response.text())
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
  }
  throw new Error('workerd has ended');
}

const CHROMIUM =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** Runs a script in a page of a browser; it posts a line for every case, and `end`, to the address in the page's hash. */
export async function runPage(browser: string, runner: string, define: Record<string, string>): Promise<Line[]> {
  const lines: Line[] = [];
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const sink = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      response.end();
      if (text === 'end') end();
      else lines.push(JSON.parse(text));
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    sink.close();
    sink.closeAllConnections();
  });
  const code = await bundle(runner, define);
  const server = await scriptedServer(`<!doctype html><script type="module">${code.replaceAll('</', '<\\/')}</script>`);
  const profile = folder();
  const page = `${server}/#${encodeURIComponent(`http://127.0.0.1:${(sink.address() as AddressInfo).port}/lines`)}`;
  if (browser.includes('firefox')) start(browser, ['--headless', '--no-remote', '--profile', profile, page], true);
  else start(browser, [...CHROMIUM.split(' '), `--user-data-dir=${profile}`, page], true);
  await ended;
  return lines;
}
