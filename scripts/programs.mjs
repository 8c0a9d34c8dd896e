// Runs before the tests. Says which programs and runtimes are missing, so that the suites that need them are skipped; with
// TINYSSE_TEST_REQUIRE=all it installs those.
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram, neededPrograms } from './needed-programs.mjs';
import { installRuntimes, missingRuntimes } from './runtimes.mjs';

const ATTEMPTS = 5;
const WAIT_MS = 10_000;

const missing = () => Object.keys(neededPrograms).filter((name) => findProgram(name) === undefined);

const all = process.env.TINYSSE_TEST_REQUIRE === 'all';

if (missing().length > 0) {
  if (all) await install();
  else console.log(`Not found: ${missing().join(', ')}. The test suites that need them will be skipped.`);
}
if (all) {
  if (!installRuntimes()) fail(missingRuntimes(), 'npm could not install them (npm run runtimes)');
} else if (missingRuntimes().length > 0) {
  const which = missingRuntimes().join(', ');
  console.log(
    `Not installed: ${which}. Their suites will be skipped. To install them (Linux on x64, 1.1 GB): npm run runtimes`,
  );
}

async function install() {
  const packages = [...new Set(missing().map((name) => neededPrograms[name]))];
  const byHand = `install them by hand (Debian: apt-get install ${packages.join(' ')})`;
  if (findProgram('apt-get') === undefined) fail(missing(), `this machine has no apt-get; ${byHand}`);
  if (process.getuid?.() !== 0) fail(missing(), `only root can install packages; ${byHand}`);

  console.log(`TINYSSE_TEST_REQUIRE=all: installing ${packages.join(', ')} with apt-get.`);
  await aptGet('update');
  await aptGet('install', '--yes', '--no-install-recommends', ...packages);
  if (missing().length > 0) fail(missing(), `apt-get brought no such program; ${byHand}`);
}

/** @param {string[]} args */
async function aptGet(...args) {
  for (let attempt = 1; ; attempt++) {
    const { status, error } = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status === 0) return;
    if (attempt === ATTEMPTS)
      fail(missing(), `apt-get ${args[0]} failed ${ATTEMPTS} times${error ? `: ${error.message}` : ''}`);
    // Lock::Timeout does not cover the lock on the package lists, which another apt-get may hold.
    console.log(`apt-get ${args[0]} failed; trying again in ${WAIT_MS / 1000} s.`);
    await sleep(WAIT_MS);
  }
}

/**
 * @param {string[]} needed
 * @param {string} reason
 */
function fail(needed, reason) {
  console.error(`The tests need ${needed.join(', ')}: ${reason}.`);
  process.exit(1);
}
