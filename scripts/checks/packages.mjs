import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { Problem, packInto, run } from './run.mjs';

/** The packages as people will install them: entries that exist, types that resolve, nothing missing. */
export async function packedPackages() {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-pack-'));
  try {
    const [library, hub] = [await packInto(folder, 'tinysse'), await packInto(folder, 'tinysse-hub')];
    await run('publint', 'run', '--strict', library);
    await run('publint', 'run', '--strict', hub);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What .size-limit.json bounds keeps within its bounds, and the README promises the same ones.
 * @returns the sizes, for the person who watches them grow
 */
export async function entrySizes() {
  const sizes = JSON.parse(await run('size-limit', '--json'));
  const readme = readFileSync('README.md', 'utf8');
  return sizes
    .map(({ name, size, sizeLimit }) => {
      const promise = `\`${name}\` is below ${sizeLimit.toLocaleString('en')} bytes`;
      if (!readme.includes(promise))
        throw new Problem(`.size-limit.json bounds it, README.md does not say: ${promise}`);
      return `${name} ${size} B`;
    })
    .join(', ');
}

/**
 * What runs everywhere imports nothing of Node, and no other package either, but a hook its framework: a bundle for no
 * platform shows both. It also loads where there is nothing but the language, as Jest's jsdom has no TextDecoder and a
 * server has no window.
 */
export async function neutralEntries() {
  const entries = [
    'index',
    'client/index',
    'client/eventsource',
    'client/publisher',
    'hooks/react',
    'hooks/vue',
    'hooks/svelte',
    'testing/index',
  ];
  /** @type {import('esbuild').OutputFile[]} */
  let bundles;
  try {
    ({ outputFiles: bundles } = await build({
      entryPoints: entries.map((name) => `packages/tinysse/dist/${name}.js`),
      external: ['react', 'vue'],
      bundle: true,
      write: false,
      outdir: 'unused',
      platform: 'neutral',
      format: 'cjs',
      logLevel: 'silent',
    }));
  } catch (error) {
    const problems = error.errors?.map(
      ({ text, location }) => (location ? `${location.file}:${location.line}: ` : '') + text,
    );
    throw new Problem(problems?.join('\n') ?? String(error));
  }
  for (const [i, { text }] of bundles.entries()) {
    try {
      // Classes extend EventTarget and Event, which every place of theirs has.
      runInNewContext(text, { module: { exports: {} }, require: () => ({}), EventTarget, Event });
    } catch (error) {
      throw new Problem(`${entries[i]} does not load where there is nothing but the language: ${error}`);
    }
  }
}
