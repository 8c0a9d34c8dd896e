import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const running = new Set();

/** Starts a program; resolves when it has said that it is ready. */
export async function start(name, command, args, { ready, env } = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  let said = '';
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${said}`)));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        said += text;
        if (!ready || ready.test(said)) resolve();
      });
    if (!ready) child.once('spawn', resolve);
  });
  return child;
}

/** Ports that nothing listens on. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Ends every program that `start` has started. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}
