import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ROOT } from './processes.mjs';

/**
 * Checks out another commit of this repository in a temporary folder and builds it. The folder is removed when this
 * process ends.
 *
 * Its `bench` is a copy of this one: both builds run the same servers, workloads and load.
 *
 * @param {string} commit - whatever git takes for one
 * @param {(text: string) => void} progress
 * @returns {{ root: string, name: string }} the folder, and the commit's short name
 */
export function buildOther(commit, progress) {
  const name = git('rev-parse', '--short', '--verify', `${commit}^{commit}`).toString().trim();
  const root = mkdtempSync(join(tmpdir(), 'bench-compare-'));
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  progress(`checking out ${name}`);
  execFileSync('tar', ['-x', '-C', root], { input: git('archive', name) });
  const lock = 'package-lock.json';
  if (readFileSync(join(root, lock), 'utf8') !== readFileSync(join(ROOT, lock), 'utf8')) {
    progress(`installing what ${name} depends on`);
    npm(root, 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
  }
  linkModules(root);
  progress(`building ${name}`);
  npm(root, 'run', '--silent', 'build');
  rmSync(join(root, 'bench'), { recursive: true, force: true });
  cpSync(join(ROOT, 'bench'), join(root, 'bench'), {
    recursive: true,
    filter: (path) => basename(path) !== 'node_modules',
  });
  return { root, name };
}

const git = (...args) =>
  execFileSync('git', args, { cwd: ROOT, maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'pipe'] });

function npm(cwd, ...args) {
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`.slice(0, 4_000));
}

/** Links whatever is installed here and missing there, but for the packages of the repository itself. */
function linkModules(root) {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  for (const folder of ['.', 'bench', ...packages]) {
    const from = join(ROOT, folder, 'node_modules');
    if (existsSync(from)) linkAll(from, join(root, folder, 'node_modules'));
  }
}

function linkAll(from, to) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const [there, here] = [join(to, name), join(from, name)];
    if (name.startsWith('@')) linkAll(here, there);
    else if (existsSync(there)) continue;
    else if (lstatSync(here).isSymbolicLink()) cpSync(here, there, { verbatimSymlinks: true });
    else symlinkSync(here, there);
  }
}
