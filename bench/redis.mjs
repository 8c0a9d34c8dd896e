// What redisLog does on this machine, against a redis-server of its own:
//   node bench/redis.mjs [publishers] [seconds]
// Acknowledged appends per second through one log and through a hub that delivers to a subscriber, and how long an
// event takes from publish to the watchers of its own node and of another.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { createSSEServer } from 'tinysse';
import { redisLog } from 'tinysse/redis';

const publishers = Number(process.argv[2] ?? 64);
const seconds = Number(process.argv[3] ?? 5);
const data = JSON.stringify({ text: 'x'.repeat(80) });

const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    server.close(() => resolve(port));
  });
});
const dir = await mkdtemp(join(tmpdir(), 'tinysse-bench-'));
const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '']);
redis.on('error', (error) => {
  console.error(`redis-server cannot be started: ${error.message}`);
  process.exit(1);
});
await new Promise((resolve) =>
  redis.stdout.on('data', (text) => String(text).includes('Ready to accept') && resolve(undefined)),
);

const open = () => redisLog({ client: createClient({ socket: { host: '127.0.0.1', port } }) });
const [log, other] = [open(), open()];

try {
  await throughput('acknowledged appends, nobody watching', () => log.append(event()));
  const watcher = { committed() {}, interrupted() {} };
  await log.watch(watcher);
  await throughput('acknowledged appends, watched here', () => log.append(event()));
  /** @type {Map<number, number>} */
  const there = new Map();
  await other.watch({ committed: ({ offset }) => there.set(offset, performance.now()), interrupted() {} });
  await throughput('acknowledged appends, watched here and on another node', () => log.append(event()));
  await delay(there);
  log.unwatch(watcher);

  const sse = createSSEServer({ log });
  const abort = new AbortController();
  const request = new Request('http://localhost/', { signal: abort.signal });
  const reader = (await sse.respond(request, { channels: ['bench'] })).body?.getReader();
  const drained = (async () => {
    while (reader && !(await reader.read()).done);
  })().catch(() => {});
  await throughput('acknowledged publishes through a hub with one subscriber', () => sse.publish(data, 'bench'));
  abort.abort();
  await drained;
  await sse.close({ drainMs: 1 });
} finally {
  await Promise.all([log.close(), other.close()]);
  redis.kill();
  await rm(dir, { recursive: true, force: true });
}

function event() {
  return /** @type {any} */ ({ channels: ['bench'], event: undefined, data, size: data.length + 8 });
}

/** @param {string} what @param {() => unknown} run */
async function throughput(what, run) {
  const started = performance.now();
  const until = started + seconds * 1_000;
  let count = 0;
  await Promise.all(
    Array.from({ length: publishers }, async () => {
      while (performance.now() < until) {
        await run();
        count++;
      }
    }),
  );
  const rate = Math.round((count / (performance.now() - started)) * 1_000);
  console.log(`${String(rate).padStart(8)} /s  ${what} (${publishers} at once)`);
}

/** One event at a time. @param {Map<number, number>} there - when the other node heard of an offset */
async function delay(there) {
  /** @type {number[]} */
  const acknowledged = [];
  /** @type {number[]} */
  const heard = [];
  for (let i = 0; i < 1_000; i++) {
    const at = performance.now();
    const { offset } = await log.append(event());
    acknowledged.push(performance.now() - at);
    while (!there.has(offset)) await new Promise((resolve) => setImmediate(resolve));
    heard.push(/** @type {number} */ (there.get(offset)) - at);
  }
  for (const [what, times] of /** @type {const} */ ([
    ['publish to acknowledgement, watchers of this node told', acknowledged],
    ['publish to watchers of another node', heard],
  ])) {
    times.sort((a, b) => a - b);
    const ms = (/** @type {number} */ q) => (times[Math.floor(times.length * q)] ?? 0).toFixed(2);
    console.log(`p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms  ${what}`);
  }
}
