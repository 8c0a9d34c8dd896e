// npm run check                 everything that CI checks beside the tests
// npm run check -- rooms size   some of it
import { existsSync } from 'node:fs';
import { consumers } from './checks/consumers.mjs';
import { entrySizes, neutralEntries, packedPackages } from './checks/packages.mjs';
import { Problem, run } from './checks/run.mjs';
import { lockNamesNoHost, oneWriter, shortFiles } from './checks/sources.mjs';

/** @type {Promise<string> | undefined} */
let built;
const build = () => (built ??= run('tsc', '-b'));
/** @param {[string, ...string[]]} command */
const tool =
  (...command) =>
  async () => {
    await run(...command);
  };
const code = ['packages', 'scripts', 'examples', 'bench', 'faults', 'runtimes', 'rehearsal'].filter((folder) =>
  existsSync(folder),
);

/**
 * A check throws a Problem, or gives what there is to say beside that all is well.
 *
 * @type {Record<string, { what: string, check: () => Promise<string | void> }>}
 */
const checks = {
  style: {
    what: 'formatting and lint; `npm run format` mends most of it',
    check: tool('biome', 'check', '--error-on-warnings', '.'),
  },
  types: {
    what: 'the packages, their tests, the scripts and the examples compile',
    check: async () => {
      await build();
      await run('tsc', '-p', 'tsconfig.check.json');
    },
  },
  rooms: {
    what: 'imports go the way that .dependency-cruiser.mjs draws',
    check: tool('depcruise', '--config', '.dependency-cruiser.mjs', ...code),
  },
  lines: { what: 'no source file over 400 lines', check: shortFiles },
  wire: { what: 'one source file writes `data: `', check: oneWriter },
  unused: { what: 'no unused file, export or dependency', check: tool('knip') },
  packages: { what: 'the packed packages are sound', check: afterBuild(packedPackages) },
  consumers: {
    what: 'the packed library resolves and compiles with TypeScript 5.4 to 7 and loads in Jest',
    check: afterBuild(consumers),
  },
  size: { what: 'the entries for browsers stay as small as the README says', check: afterBuild(entrySizes) },
  neutral: { what: 'the library and its client need no runtime of their own', check: afterBuild(neutralEntries) },
  lock: { what: 'the lock files name no host', check: lockNamesNoHost },
};

/** @param {() => Promise<string | void>} check */
function afterBuild(check) {
  return async () => {
    await build().catch(() => {
      throw new Problem('the packages do not compile: npm run check -- types');
    });
    return check();
  };
}

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(checks);
const unknown = chosen.filter((name) => !Object.hasOwn(checks, name));
if (unknown.length > 0) {
  console.error(`No such check: ${unknown.join(', ')}. There are:`);
  for (const [name, { what }] of Object.entries(checks)) console.error(`  ${name.padEnd(9)} ${what}`);
  process.exit(2);
}

const [red, green, plain] =
  process.stdout.isTTY && !process.env.NO_COLOR ? ['\x1b[31m', '\x1b[32m', '\x1b[0m'] : ['', '', ''];
/** @type {string[]} */
const failed = [];
for (const name of chosen) {
  const { what, check } = checks[name];
  const started = performance.now();
  /** @type {string | void} */
  let note;
  /** @type {string | undefined} */
  let problem;
  try {
    note = await check();
  } catch (error) {
    problem = error instanceof Problem ? error.message : error.stack;
    failed.push(name);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(5);
  const verdict = problem === undefined ? `${green}ok  ` : `${red}FAIL`;
  console.log(`${verdict}${plain} ${name.padEnd(9)} ${seconds} s  ${what}${note ? `: ${note}` : ''}`);
  if (problem !== undefined) console.log(problem.replace(/^/gm, '     '));
}
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(', ')}. One check alone: npm run check -- ${failed[0]}`);
  process.exitCode = 1;
}
