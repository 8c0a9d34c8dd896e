import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../packages/tinysse/test/programs.js';
import { runtimePrograms } from '../scripts/runtimes.mjs';
import { start } from './run.js';

const bun = runtimePrograms.Bun;

/** Reads a stream until it has told its position `count` times. */
async function positions(url: string, count: number): Promise<number> {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const { body } = await fetch(url, { signal: leave.signal });
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body!) {
    text += decoder.decode(bytes, { stream: true });
    const heard = text.split('event: tinysse:position').length - 1;
    if (heard >= count) return heard;
  }
  throw new Error(`ended after: ${text}`);
}

describeWith([bun], 'on Bun, which closes what is silent for 10 s', () => {
  test('a quiet stream lives: by its heartbeats, and by none where Bun has handed its server over', {
    timeout: 60_000,
  }, async () => {
    const { stdout } = start(bun, [fileURLToPath(new URL('bun-server.mjs', import.meta.url))]);
    const [first] = await stdout!.take(1).toArray();
    const [byDefault, slow] = JSON.parse(String(first));
    // The last heartbeat that is waited for comes later than Bun would have closed the connection.
    expect(await Promise.all([positions(byDefault, 3), positions(slow, 2)])).toEqual([3, 2]);
  });
});
