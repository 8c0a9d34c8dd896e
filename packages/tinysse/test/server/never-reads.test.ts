import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { SSEServer } from 'tinysse';
import { expect, onTestFinished, test } from 'vitest';
import { framesOf, openUnread } from './stream.js';

const MB = 1_000_000;

interface Answer {
  port: number;
  used: number;
  stats: Awaited<ReturnType<SSEServer['stats']>>;
}

/** Runs never-reads-server.ts from the sources as they are. */
async function startServer(): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-'));
  const outfile = join(folder, 'server.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('never-reads-server.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['tinysse-source'],
  });
  const child = fork(outfile, { execArgv: ['--expose-gc'] });
  onTestFinished(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  return child;
}

test('a reader that never reads costs less than 1 MB beyond the log, and later gets a reset, then every retained event', async () => {
  const child = await startServer();
  const [{ port }] = (await once(child, 'message')) as [Answer];
  const ask = async (message: { publish?: number }): Promise<Answer> => {
    child.send(message);
    return ((await once(child, 'message')) as [Answer])[0];
  };

  // The log is full before the measure begins, and the code warm: only the reader makes a difference.
  (await openUnread(`http://127.0.0.1:${port}`)).destroy();
  const before = await ask({ publish: 2_000 });
  const reader = await openUnread(`http://127.0.0.1:${port}`);
  let after = await ask({ publish: 20_000 });
  expect(after.stats).toMatchObject({ subscribers: 1, behind: 1 });
  // Pages that readers at one position share are kept for a second.
  while (after.used - before.used > MB) after = await ask({});
  expect(after.stats).toMatchObject({ subscribers: 1, behind: 1 });

  let text = '';
  for await (const piece of reader.setEncoding('utf8')) {
    text += piece;
    if (text.includes('data: 0000021999', text.length - 80_000) && text.endsWith('\n\n')) break;
  }
  const frames = framesOf(text);
  const at = frames.findIndex(({ event }) => event === 'tinysse:reset');
  const numbers = (from: number, to?: number) =>
    frames.slice(from, to).flatMap(({ data }) => (data && data.length > 100 ? [Number(data.slice(0, 10))] : []));
  const [early, late] = [numbers(0, at), numbers(at + 1)];
  const events = after.stats.log?.events ?? 0;
  expect(early).toEqual(Array.from(early, (_, n) => 2_000 + n));
  expect(late).toEqual(Array.from({ length: events }, (_, n) => 22_000 - events + n));
  expect(frames.filter(({ event }) => event === 'tinysse:reset')).toHaveLength(1);
});
