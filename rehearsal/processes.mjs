import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is running, and what was made. */
const running = new Set();
const folders = [];

/** @param {string} name */
export function scratchFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `tinysse-rehearsal-${name}-`));
  folders.push(folder);
  return folder;
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts a program with a process group of its own: `npx` starts others.
 *
 * @param {string[]} command
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
export function start([program, ...args], { cwd, env = process.env }) {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const started = { child, output: '', command: [program, ...args].join(' '), end };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (started.output += bytes));
  const closed = once(child, 'close');
  running.add(started);
  closed.then(
    () => running.delete(started),
    () => running.delete(started),
  );
  async function end() {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
    await closed;
  }
  return started;
}

/**
 * Runs a program to its end; throws if it fails.
 *
 * @param {string[]} command
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<string>} what it printed on its standard output
 */
export async function run(command, options) {
  const started = start(command, options);
  let stdout = '';
  started.child.stdout.on('data', (bytes) => (stdout += bytes));
  const [code] = await once(started.child, 'close');
  if (code !== 0) throw new Error(`${started.command} ended with ${code}:\n${started.output}`);
  return stdout;
}

/**
 * Waits for a line of what a program prints.
 *
 * @param {ReturnType<typeof start>} started
 * @param {RegExp} pattern
 * @param {number} timeoutMs
 * @returns {Promise<string>}
 */
export function firstLine(started, pattern, timeoutMs) {
  const { child, command } = started;
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => reject(new Error(`${command} ${why}:\n${started.output}`));
    const timer = setTimeout(() => fail(`did not print ${pattern} in ${timeoutMs} ms`), timeoutMs);
    const look = () => {
      const line = started.output.split('\n').find((text) => pattern.test(text));
      if (line === undefined) return;
      clearTimeout(timer);
      resolve(line);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code} without printing ${pattern}`);
    });
    child.once('error', ({ message }) => fail(message));
    look();
  });
}

/**
 * Waits until a program answers with a status below 300.
 *
 * @param {ReturnType<typeof start>} started
 * @param {string} url
 * @param {number} timeoutMs
 */
export async function ready(started, url, timeoutMs) {
  const { child, command } = started;
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const ok = await fetch(url, { signal }).then(
      (response) => response.ok,
      () => false,
    );
    const { exitCode, signalCode } = child;
    const end = exitCode ?? signalCode;
    if (end !== null) throw new Error(`${command} ended with ${end} before ${url} answered:\n${started.output}`);
    if (ok) return;
    if (signal.aborted) throw new Error(`${url} did not answer in ${timeoutMs} ms:\n${started.output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ends what is still running and removes what was made. */
export async function cleanUp() {
  await Promise.all([...running].map(({ end }) => end()));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
