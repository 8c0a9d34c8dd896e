import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { createSource, frame } from './source.js';

const entry = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));

/** Bundles a program that imports the client from `tinysse-client`. */
async function bundle(code: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tinysse-client-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const outfile = path.join(folder, 'program.mjs');
  await build({
    stdin: { contents: code, resolveDir: path.dirname(entry), loader: 'ts' },
    alias: { 'tinysse-client': entry },
    bundle: true,
    format: 'esm',
    outfile,
  });
  return outfile;
}

test('a process stays alive while its client waits to reconnect, and ends by itself once it is closed', async () => {
  const source = await createSource();
  const program = await bundle(`
    import { createSSEClient } from 'tinysse-client';
    const client = createSSEClient({ endpoint: process.argv[2], retryInterval: 50 });
    client.onMessage((message) => {
      console.log(message.data);
      if (message.data === 'm2') client.close();
    });
    client.connect();
  `);
  const running = promisify(execFile)(process.execPath, [program, source.url]);
  (await source.next()).open(frame(1)).end();
  (await source.next()).open(frame(2));
  expect((await running).stdout).toBe('m1\nm2\n');
});

test('the client can be bundled for a browser', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    metafile: true,
  });
  expect(outputFiles).toHaveLength(1);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});
