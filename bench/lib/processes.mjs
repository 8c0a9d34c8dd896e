import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The folder of this repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const GENERATOR = join(ROOT, 'bench/load/main.mjs');
const SERVER_CORE = '0';
const LOAD_CORE = '1';
/** No process outlives this, whatever becomes of this one. */
const MOST_SECONDS = '120';

const canPin =
  !spawnSync('taskset', ['-c', '1', 'true']).error && spawnSync('taskset', ['-c', '1', 'true']).status === 0;
export const pinned = canPin;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** @returns the process, and what it said and how it ended */
function start(core, command) {
  const limited = ['timeout', '-k', '2', MOST_SECONDS, ...command];
  const [program, ...args] = canPin ? ['taskset', '-c', core, ...limited] : limited;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const said = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (said.error = (said.error + text).slice(-2_000)));
  const ended = new Promise((resolve) => {
    child.on('error', () => resolve(-1));
    child.on('close', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  return { child, said, ended };
}

/** Starts a server, of the build in `root`, on the server's core; resolves when it accepts connections. */
export async function startServer(subject, root = ROOT) {
  const port = await freePort();
  const { command, clean } = subject.start(port, root);
  const { child, said, ended } = start(SERVER_CORE, command);
  let over = false;
  ended.then(() => (over = true));
  const stop = async () => {
    child.kill();
    const killed = setTimeout(() => {
      for (const pid of family(child.pid)) signal(pid, 'SIGKILL');
    }, 1_000);
    await ended;
    clearTimeout(killed);
    clean?.();
  };
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (over || tries > 400) {
      await stop();
      throw new Error(`${subject.title} did not start: ${said.error}`);
    }
    await wait(25);
  }
  return { port, pids: family(child.pid).slice(1), stop, said };
}

/** Runs the load generator on the other core. @returns what it measured */
export async function generate(spec) {
  const { said, ended } = start(LOAD_CORE, [process.execPath, GENERATOR, JSON.stringify(spec)]);
  const code = await ended;
  if (code !== 0) throw new Error(`the load generator failed (${code}): ${said.error}`);
  return JSON.parse(said.out);
}

/** Runs a script, of the build in `root`, by `node` on the server's core: it measures itself and prints JSON. */
export async function runWorkload(file, args, root = ROOT, node = process.execPath) {
  const script = join(root, 'bench/workloads', file);
  const { said, ended } = start(SERVER_CORE, [node, script, ...args]);
  const code = await ended;
  if (code !== 0) throw new Error(`${file} failed (${code}): ${said.error}`);
  return JSON.parse(said.out);
}

/** A process and all that it has started. */
function family(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
