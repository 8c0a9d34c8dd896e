// What lmdbLog does on this machine's disk. Build first: npm run build
//
//   node bench/lmdb.mjs append [publishers=64] [seconds=10] [channels=1]    acknowledged events/s and latency
//   node bench/lmdb.mjs fill DIRECTORY EVENTS [channels=10000]              a log of so many events
//   node bench/lmdb.mjs open DIRECTORY                                      how long it takes to open, and memory
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdbLog } from 'tinysse/lmdb';

const DATA = 'x'.repeat(100);
/** @param {string} channel */
const event = (channel) =>
  /** @type {import('tinysse').LogEvent} */ (
    /** @type {unknown} */ ({ channels: [channel], event: undefined, data: DATA, size: DATA.length + 30 })
  );
const unlimited = { maxEventsPerChannel: Infinity, maxAgeMs: Infinity, maxBytes: Infinity };

/** What the process keeps for itself, and what it sees of files, in MiB. */
function memory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const of = (/** @type {string} */ name) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { ownMiB: of('RssAnon'), mappedMiB: of('RssFile') };
}

/** @param {number[]} sorted @param {number} share */
const quantile = (sorted, share) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);

/** What the disk itself takes: 8 KiB and a sync, from which no commit is spared. @param {string} path */
function disk(path) {
  const file = openSync(join(path, 'probe'), 'w');
  const page = Buffer.alloc(8_192, 1);
  const took = Array.from({ length: 300 }, (_, i) => {
    const started = performance.now();
    writeSync(file, page, 0, page.length, (i % 64) * page.length);
    fdatasyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  took.sort((a, b) => a - b);
  return { syncP50Ms: quantile(took, 0.5), syncP99Ms: quantile(took, 0.99) };
}

async function append(publishers = 64, seconds = 10, channels = 1) {
  const path = mkdtempSync(join(tmpdir(), 'tinysse-bench-'));
  const before = disk(path);
  const log = lmdbLog({ path });
  /** @type {number[]} */
  const took = [];
  const until = performance.now() + seconds * 1_000;
  const publish = async (/** @type {number} */ first) => {
    for (let i = first; performance.now() < until; i++) {
      const started = performance.now();
      await log.append(event(`channel-${i % channels}`));
      took.push(performance.now() - started);
    }
  };
  await log.head();
  await Promise.all(Array.from({ length: publishers }, (_, i) => publish(i * 7919)));
  const events = took.length;
  took.sort((a, b) => a - b);
  console.log({
    ...before,
    eventsPerSecond: Math.round(events / seconds),
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
    maxMs: took.at(-1)?.toFixed(1),
    ...(await log.stats()),
    ...memory(),
  });
  await log.close();
  rmSync(path, { recursive: true });
}

/** @param {string} path */
async function fill(path, events = 10_000_000, channels = 10_000) {
  const log = lmdbLog({ path, ...unlimited });
  const started = performance.now();
  for (let at = 0; at < events; at += 10_000) {
    await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => log.append(event(`channel-${Math.floor((at + i) / 50) % channels}`))),
    );
    if (at % 1_000_000 === 0) console.log(at, Math.round((performance.now() - started) / 1_000), 's', memory());
  }
  console.log(await log.stats(), memory());
  await log.close();
}

/** @param {string} path */
async function open(path) {
  const before = memory();
  const started = performance.now();
  const log = lmdbLog({ path, ...unlimited });
  const head = await log.head();
  const openMs = Math.round(performance.now() - started);
  const stats = await log.stats();
  const opened = memory();
  const readFrom = performance.now();
  const channels = /** @type {any} */ (['channel-1', 'channel-2', 'channel-3']);
  const page = await log.read({ channels, after: 0, upTo: head.offset, maxEvents: 64, maxBytes: 32_768 });
  const readMs = (performance.now() - readFrom).toFixed(2);
  console.log({ openMs, readMs, read: page.entries.length, stats, before, opened });
  await log.close();
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'append') await append(...rest.map(Number));
else if (command === 'fill' && rest[0]) await fill(rest[0], ...rest.slice(1).map(Number));
else if (command === 'open' && rest[0]) await open(rest[0]);
else {
  console.error('node bench/lmdb.mjs append | fill DIRECTORY EVENTS | open DIRECTORY');
  process.exitCode = 2;
}
