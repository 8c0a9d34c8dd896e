import { type EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { freePort, ready, start } from '../../../rehearsal/processes.mjs';

const MOST_MS = 30_000;
const node = (script: string): ReturnType<typeof start> => start([process.execPath, '-e', script], { cwd: tmpdir() });

test('the rehearsal waits until a program answers', async () => {
  const port = await freePort();
  const program = node(`http.createServer((_, res) => res.end()).listen(${port}, '127.0.0.1')`);
  await ready(program, `http://127.0.0.1:${port}/`, MOST_MS);
  await program.end();
});

test('the rehearsal does not wait for a program that has ended, and shows what it printed', async () => {
  const program = node(`console.error('no such setting'); process.exitCode = 2`);
  const waiting = ready(program, `http://127.0.0.1:${await freePort()}/`, MOST_MS);
  await expect(waiting).rejects.toThrow(/ended with 2 before .* answered:\nno such setting/);
});

test('the answer of another program on the same port does not count when the program has ended', async () => {
  const other = createServer((_, res) => res.end()).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const program = node(`console.error('address in use'); process.exitCode = 1`);
  try {
    await once(program.child as EventEmitter, 'close');
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    await expect(ready(program, url, MOST_MS)).rejects.toThrow(/ended with 1 before .* answered:\naddress in use/);
  } finally {
    other.close();
  }
});
