// What a hub does on each of its stores, over HTTP on this machine. Build first: npm run build
//
//   node bench/stores.mjs [memory disk redis] [seconds=10]
//
// Acknowledged events/s and how long an acknowledgement takes, of 64 publishers with a request each at a time, to one
// channel with one subscriber, and what an event costs the hub in CPU time; then, at 100 events/s, how long an event takes from publish to the subscriber.
// Where taskset is: the hub on one core, everything else on the other.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Histogram } from './load/histogram.mjs';
import { microseconds, Scanner } from './load/mark.mjs';
import { Publisher } from './load/publisher.mjs';
import { cpuSeconds } from './load/usage.mjs';

const PUBLISHERS = 64;
const SIZE = 100;
const PACED = 100;
const HUB = fileURLToPath(new URL('../packages/tinysse-hub/bin/tinysse-hub.js', import.meta.url));
const pinned = spawnSync('taskset', ['-cp', '1', String(process.pid)]).status === 0;
/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** @param {string[]} command @param {RegExp} ready @param {string} core */
async function start(command, ready, core) {
  const [program = '', ...args] = pinned ? ['taskset', '-c', core, ...command] : command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  let said = '';
  await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${command[0]} ended: ${said}`)));
    child.stdout.on('data', (text) => ready.test((said += text)) && resolve(undefined));
  });
  const stop = async () => {
    running.delete(child);
    child.removeAllListeners('exit');
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return { stop, pid: /** @type {number} */ (child.pid) };
}

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });

/** A subscriber that measures. @param {number} port @param {Histogram} delays */
async function subscribe(port, delays) {
  const socket = net.connect(port, '127.0.0.1');
  let delivered = 0;
  const scanner = new Scanner(SIZE);
  const client = {
    /** @param {number} _ @param {number} at */
    take(_, at) {
      delivered++;
      delays.add(microseconds() - at);
    },
    malformed() {
      throw new Error('an event is not what was published');
    },
  };
  await new Promise((resolve) => {
    socket.on('data', (bytes) => {
      resolve(undefined);
      scanner.scan(bytes, 0, bytes.length, client);
    });
    socket.write(`GET /events?channel=all HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  });
  return { delivered: () => delivered, close: () => socket.destroy() };
}

/** @param {string} title @param {string[]} flags @param {number} seconds */
async function measure(title, flags, seconds) {
  const port = await freePort();
  const command = [process.execPath, HUB, 'serve', '--port', String(port), '--log-level', 'error', ...flags];
  const { stop, pid } = await start(command, /Look at it/, '0');
  const [answers, delays] = [new Histogram(), new Histogram()];
  const publisher = new Publisher({
    port,
    path: '/publish',
    size: SIZE,
    connections: PUBLISHERS,
    targetsOf: () => ['all'],
    onSend: () => {},
  });
  publisher.onAnswer = (tookMs) => answers.add(tookMs * 1_000);
  await publisher.connect();
  const subscriber = await subscribe(port, delays);
  await publisher.publish(Number.MAX_SAFE_INTEGER, 0, 2_000);
  answers.clear();
  const [began, cpu] = [performance.now(), cpuSeconds([pid])];
  const count = await publisher.publish(Number.MAX_SAFE_INTEGER, 0, seconds * 1_000);
  const perSecond = Math.round((count / (performance.now() - began)) * 1_000);
  const each = Math.round(((cpuSeconds([pid]) - cpu) / count) * 1_000_000);
  const answered = answers.summary();
  while (subscriber.delivered() < publisher.sent) await new Promise((resolve) => setTimeout(resolve, 10));
  delays.clear();
  await publisher.publish(PACED * seconds, PACED);
  const delivered = delays.summary();
  subscriber.close();
  await stop();
  const ms = (/** @type {number} */ value) => value.toFixed(2).padStart(6);
  console.log(
    `${title.padEnd(7)} ${String(perSecond).padStart(7)} acknowledged/s, p50 ${ms(answered.p50)} ms, p99 ${ms(answered.p99)} ms, ${each} µs CPU` +
      `; publish to delivery p50 ${ms(delivered.p50)} ms, p99 ${ms(delivered.p99)} ms` +
      (publisher.refused > 0 ? `; ${publisher.refused} REFUSED` : ''),
  );
}

const known = ['memory', 'disk', 'redis'];
const given = process.argv.slice(2);
const seconds = Number(given.find((argument) => Number(argument) > 0) ?? 10);
const stores = known.filter((name) => given.includes(name) || !given.some((argument) => known.includes(argument)));
for (const store of stores) {
  const dir = mkdtempSync(join(tmpdir(), 'tinysse-bench-'));
  try {
    if (store === 'memory') await measure(store, ['--memory'], seconds);
    if (store === 'disk') await measure(store, ['--data-dir', join(dir, 'data')], seconds);
    if (store === 'redis') {
      const port = String(await freePort());
      const command = ['redis-server', '--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', ''];
      const { stop } = await start(command, /Ready to accept/, '1');
      await measure(store, ['--redis', `redis://127.0.0.1:${port}`], seconds);
      await stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
process.exit(0);
