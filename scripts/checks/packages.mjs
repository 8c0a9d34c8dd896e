import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Problem, run } from './run.mjs';

/** The packages as people will install them: entries that exist, types that resolve, nothing missing. */
export async function packedPackages() {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-pack-'));
  try {
    const workspaces = ['-w', 'tinysse', '-w', 'tinysse-hub'];
    await run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder, ...workspaces);
    const { version } = (await import('../../packages/tinysse/package.json', { with: { type: 'json' } })).default;
    const tarball = (name) => join(folder, `${name}-${version}.tgz`);
    await run('publint', 'run', '--strict', tarball('tinysse'));
    await run('publint', 'run', '--strict', tarball('tinysse-hub'));
    // tinysse-hub is a program: it has no entry to import, so no types.
    await run('attw', tarball('tinysse'), '--profile', 'esm-only', '--no-emoji');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the size that .size-limit.json bounds, for the person who watches it grow */
export async function clientSize() {
  const output = await run('size-limit');
  return /Size: +(\S+ \S+)/.exec(output)?.[1];
}

/**
 * What runs everywhere imports nothing of Node, and no other package either, but a hook its framework: a bundle for no
 * platform shows both.
 */
export async function neutralEntries() {
  const entries = ['index', 'client/index', 'client/publisher', 'hooks/react', 'hooks/vue', 'hooks/svelte'];
  try {
    await build({
      entryPoints: entries.map((name) => `packages/tinysse/dist/${name}.js`),
      external: ['react', 'vue'],
      bundle: true,
      write: false,
      outdir: 'unused',
      platform: 'neutral',
      logLevel: 'silent',
    });
  } catch (error) {
    const problems = error.errors?.map(
      ({ text, location }) => (location ? `${location.file}:${location.line}: ` : '') + text,
    );
    throw new Problem(problems?.join('\n') ?? String(error));
  }
}
