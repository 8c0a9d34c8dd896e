// Runs before the tests. Says which programs their suites will miss; with TINYSSE_TEST_REQUIRE=all it installs those.
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram, neededPrograms } from './needed-programs.mjs';

const ATTEMPTS = 5;
const WAIT_MS = 10_000;

const missing = () => Object.keys(neededPrograms).filter((name) => findProgram(name) === undefined);

if (missing().length > 0) {
  if (process.env.TINYSSE_TEST_REQUIRE === 'all') await install();
  else console.log(`Not found: ${missing().join(', ')}. The test suites that need them will be skipped.`);
}

async function install() {
  const packages = [...new Set(missing().map((name) => neededPrograms[name]))];
  const byHand = `install them by hand (Debian: apt-get install ${packages.join(' ')})`;
  if (findProgram('apt-get') === undefined) fail(`this machine has no apt-get; ${byHand}`);
  if (process.getuid?.() !== 0) fail(`only root can install packages; ${byHand}`);

  console.log(`TINYSSE_TEST_REQUIRE=all: installing ${packages.join(', ')} with apt-get.`);
  await aptGet('update');
  await aptGet('install', '--yes', '--no-install-recommends', ...packages);
  if (missing().length > 0) fail(`apt-get brought no such program; ${byHand}`);
}

/** @param {string[]} args */
async function aptGet(...args) {
  for (let attempt = 1; ; attempt++) {
    const { status, error } = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (status === 0) return;
    if (attempt === ATTEMPTS) fail(`apt-get ${args[0]} failed ${ATTEMPTS} times${error ? `: ${error.message}` : ''}`);
    // Lock::Timeout does not cover the lock on the package lists, which another apt-get may hold.
    console.log(`apt-get ${args[0]} failed; trying again in ${WAIT_MS / 1000} s.`);
    await sleep(WAIT_MS);
  }
}

/** @param {string} reason */
function fail(reason) {
  console.error(`The tests need ${missing().join(', ')}: ${reason}.`);
  process.exit(1);
}
