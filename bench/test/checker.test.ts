import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { generate, startServer } from '../lib/processes.mjs';

const server = fileURLToPath(new URL('faulty-server.mjs', import.meta.url));
const COUNT = 40;
const CLIENTS = 3;

/** What the load generator finds wrong with a server that has `fault`. */
async function violations(fault: string, publishers = 1): Promise<Record<string, number>> {
  const start = (port: number) => ({ command: [process.execPath, server, String(port), fault] });
  const { port, pids, stop } = await startServer({ title: fault, ours: false, start });
  try {
    const { violations } = await generate({
      ...{ scenario: 'fanOut', path: '/events', publishPath: '/publish', plan: 'each', channels: 1, size: 50 },
      ...{ clients: CLIENTS, publishers, warm: 0, count: COUNT, patienceMs: 300, port, pids },
    });
    return Object.fromEntries(Object.entries<number>(violations).filter(([, count]) => count > 0));
  } finally {
    await stop();
  }
}

// The generator reads /proc.
describe.skipIf(process.platform !== 'linux')('the load generator', () => {
  test('finds nothing wrong with a sound server', async () => {
    expect(await violations('none')).toEqual({});
    expect(await violations('none', 8)).toEqual({});
  });

  test('counts what a lossy server leaves out', async () => {
    expect(await violations('lossy')).toEqual({ lost: COUNT / 10 });
    expect(await violations('lossy', 8)).toEqual({ lost: COUNT / 10 });
  });

  test('counts what a doubling server sends twice', async () => {
    expect(await violations('doubling')).toEqual({ duplicated: COUNT / 10 });
  });

  test('counts what a reordering server sends too late', async () => {
    expect(await violations('reordering')).toEqual({ disordered: (CLIENTS * COUNT) / 10 });
    expect(await violations('reordering', 8)).toEqual({ disordered: (CLIENTS * COUNT) / 10 });
  });

  test('sees that one client got another order than the others', async () => {
    expect(await violations('disagreeing', 8)).toEqual({ disordered: COUNT / 10 });
  });

  test('sees a stream that ended, and what it did not get', async () => {
    expect(await violations('ending')).toEqual({ closed: 1, lost: COUNT - 20 });
  });
});
