import { readdirSync, readFileSync } from 'node:fs';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { describeWith } from '../../../tinysse/test/programs.js';
import { SECRET } from '../auth/tokens.js';
import { certificate } from '../certificate.js';
import { ask } from '../http.js';
import { type Hub, startHub } from '../program.js';
import { frames } from './frames.js';
import { Random } from './random.js';
import { request } from './requests.js';

/** How many requests, and by which seed; `TINYSSE_FUZZ_REQUESTS=10000` for longer. */
const REQUESTS = Number(process.env.TINYSSE_FUZZ_REQUESTS ?? 2_000);
const SEED = Number(process.env.TINYSSE_FUZZ_SEED ?? 1);
const AT_ONCE = 50;
/** Who has had no answer for so long gives up. */
const PATIENCE_MS = 250;
/** By how much memory may differ after as many requests again: what the runtime has not collected yet. */
const MOST_GROWTH_MB = 32;

/** Sends bytes and reads until the connection is closed. @returns the statuses of the answers */
const send = (port: number, bytes: Buffer, patient: boolean): Promise<number[]> =>
  new Promise((resolve) => {
    let received = '';
    const socket = connect({ port, host: '127.0.0.1' });
    const leave = (): void => void socket.end();
    const late = setTimeout(leave, PATIENCE_MS);
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text.slice(0, 2 ** 16);
      leave();
    });
    // To be cut off is an answer.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(late);
      resolve([...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)));
    });
    socket.write(bytes);
    if (!patient) leave();
  });

const filesOf = ({ program }: Hub): number => readdirSync(`/proc/${program.child.pid}/fd`).length;
const megabytesOf = ({ program }: Hub): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${program.child.pid}/status`, 'utf8'))?.[1]) / 1_024;

/** Sends so many requests, some at a time. @returns how often each status was the answer */
async function fuzz(hub: Hub, random: Random, count: number): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const bytes = request(random, hub.port);
      for (const status of await send(hub.port, bytes, random.chance(0.7)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return statuses;
}

/** What a run of nonsense must not have left behind. */
async function expectUnharmed(hub: Hub, ask: (path: string) => Promise<string>, files: number): Promise<void> {
  expect(await ask('/metrics')).not.toContain('code="INTERNAL"');
  expect(hub.program.stderr.match(/"level":[56]0.*/g) ?? []).toEqual([]);
  expect(hub.program.child.exitCode).toBeNull();
  while (!(await ask('/metrics')).includes('tinysse_subscribers{state="live"} 0\n'));
  while (filesOf(hub) > files) await ask('/healthz');
  expect(filesOf(hub)).toBeLessThanOrEqual(files);
}

test(`${REQUESTS} malformed requests bring no crash, no 5xx, and leave no file open and no memory taken (seed ${SEED})`, {
  timeout: 60_000 + REQUESTS * 30,
}, async () => {
  // What is kept by right is little, so that what is kept by mistake shows.
  const few = ['--retain-bytes', '1MiB', '--max-channels', '100', '--key-window', '1s'];
  const hub = await startHub(['--jwt-secret', SECRET, '--anonymous', 'a', ...few]);
  await ask(`${hub.url}/metrics`);
  const files = filesOf(hub);
  const random = new Random(SEED);
  // The first bring code and buffers into memory that no later one needs.
  const first = await fuzz(hub, random, REQUESTS / 2);
  const before = megabytesOf(hub);
  const second = await fuzz(hub, random, REQUESTS / 2);
  const after = megabytesOf(hub);

  const statuses = [...new Set([...first.keys(), ...second.keys()])].sort();
  expect(statuses.filter((status) => status >= 500)).toEqual([]);
  expect(statuses).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 405, 413]));
  await expectUnharmed(hub, async (path) => (await ask(hub.url + path)).text, files);
  expect(after - before).toBeLessThan(MOST_GROWTH_MB);
  if (process.env.TINYSSE_MEASURE)
    console.log({ first: Object.fromEntries(first), second: Object.fromEntries(second), files, before, after });
});

describeWith(['openssl'], 'over HTTP/2', () => {
  test(`${REQUESTS / 10} connections of malformed frames leave no file open either (seed ${SEED})`, {
    timeout: 60_000 + REQUESTS * 30,
  }, async () => {
    const { cert, key } = certificate();
    // A stream that nonsense has opened ends when its client takes nothing of it.
    const soon = ['--request-timeout', '1s', '--heartbeat', '100ms', '--stall-timeout', '1s'];
    const hub = await startHub(['--tls-cert', cert, '--tls-key', key, ...soon]);
    const ask = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const sent = requestTls(hub.url + path, { rejectUnauthorized: false, agent: false });
        sent
          .on('response', (response) => resolve(textOf(response)))
          .on('error', reject)
          .end();
      });
    await ask('/metrics');
    const files = filesOf(hub);
    const random = new Random(SEED);
    let left = REQUESTS / 10;
    const one = async (): Promise<void> => {
      while (left-- > 0) await sendFrames(hub.port, frames(random, `127.0.0.1:${hub.port}`), random.chance(0.5));
    };
    await Promise.all(Array.from({ length: AT_ONCE / 5 }, one));
    await expectUnharmed(hub, ask, files);
  });
});

/** Sends frames, and leaves after a while: with a word, or without. */
const sendFrames = (port: number, bytes: Buffer, politely: boolean): Promise<void> =>
  new Promise((resolve) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] };
    const socket = connectTls(options, () => {
      socket.write(bytes);
      setTimeout(() => (politely ? socket.end() : socket.destroy()), 20);
      // The hub may have stopped to listen.
      setTimeout(() => socket.destroy(), PATIENCE_MS);
    });
    socket
      .resume()
      .on('error', () => {})
      .on('close', () => resolve());
  });
