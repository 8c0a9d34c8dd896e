// `npm run runtimes` installs the runtimes of `runtimes/`, over 1 GB, into a folder of their own: only their suites and two
// cases of the bench use them.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../runtimes/', import.meta.url);
/** @param {string} path */
const file = (path) => fileURLToPath(new URL(path, FOLDER));

/** The runtimes and their programs, which exist once they are installed (Linux on x64 only). */
export const runtimePrograms = {
  'Node 20': file('node_modules/node20/bin/node'),
  'Node 22': file('node_modules/node22/bin/node'),
  'Node 24': file('node_modules/node24/bin/node'),
  'Node 26': file('node_modules/node26/bin/node'),
  Bun: file('node_modules/@oven/bun-linux-x64/bin/bun'),
  Deno: file('node_modules/@deno/linux-x64-glibc/deno'),
  workerd: file('node_modules/@cloudflare/workerd-linux-64/bin/workerd'),
};

/** The names of the runtimes that are not installed. */
export const missingRuntimes = () =>
  Object.entries(runtimePrograms)
    .filter(([, program]) => !existsSync(program))
    .map(([name]) => name);

/** Installs the runtimes of the lock file, unless they are installed. @returns whether all of them exist then */
export function installRuntimes() {
  const installed = file('node_modules/.package-lock.json');
  const upToDate = existsSync(installed) && statSync(installed).mtimeMs >= statSync(file('package-lock.json')).mtimeMs;
  if (upToDate && missingRuntimes().length === 0) return true;
  // In the folder, so that npm takes it for a project of its own and not for a part of the repository's.
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: file('.'),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return status === 0 && missingRuntimes().length === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && !installRuntimes()) {
  console.error(`Not installed: ${missingRuntimes().join(', ')}. The packages that bring them are for Linux on x64.`);
  process.exitCode = 1;
}
