import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Problem, packInto, run } from './run.mjs';

/** Every minor version of the compiler; each is installed under the name `ts` and its version. */
const COMPILERS = ['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6', '7'];

const OTHERS = [
  '@types/node@20',
  '@types/node26@npm:@types/node@26',
  'react@19',
  '@types/react@19',
  'vue@3',
  'svelte@5',
  'redis@6',
  'lmdb@3',
];
/** Checks that the types of every entry resolve. Not a dependency of the repository: it brings a compiler of its own. */
const ATTW = '@arethetypeswrong/cli@0.18';
const JEST = ['jest@30', 'jest-environment-jsdom@30'];

const DOM = { lib: ['ES2022', 'DOM', 'DOM.Iterable'] };
const NODE = { lib: ['ES2022'], types: ['node'] };

/** @type {Record<string, { compilerOptions: object, files: string[], compilers: string[] }>} */
const PROJECTS = {
  bundler: {
    compilerOptions: { module: 'ESNext', moduleResolution: 'bundler', types: [], ...DOM },
    files: ['web.ts', 'dom.ts'],
    compilers: COMPILERS,
  },
  node16: {
    compilerOptions: { module: 'Node16', moduleResolution: 'node16', ...NODE },
    files: ['web.ts', 'node.ts'],
    compilers: COMPILERS,
  },
  node26: {
    compilerOptions: { module: 'NodeNext', moduleResolution: 'nodenext', ...NODE, types: ['node26'] },
    files: ['node.ts'],
    compilers: ['5.9', '7'],
  },
  nodenext: {
    compilerOptions: { module: 'NodeNext', moduleResolution: 'nodenext', ...NODE, ...DOM },
    files: ['web.ts', 'dom.ts', 'peers.ts'],
    compilers: ['5.4', '7'], // It takes long: the types of the frameworks are many.
  },
  commonjs: {
    compilerOptions: { module: 'NodeNext', moduleResolution: 'nodenext', ...NODE },
    files: ['web.cts'],
    compilers: ['5.8', '7'], // 5.8 is the first that lets CommonJS import ES modules, as Node 20.19 and later do.
  },
};

/**
 * The packed library in applications of other people: with the compilers and settings that they have, and in Jest's jsdom.
 * All of it is installed in a temporary folder. Where that fails nothing is checked, and the check says so; with
 * TINYSSE_TEST_REQUIRE=all it fails.
 */
export async function consumers() {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-consumers-'));
  try {
    const library = await packInto(folder, 'tinysse');
    try {
      await install(folder, library);
    } catch (error) {
      if (process.env.TINYSSE_TEST_REQUIRE === 'all') throw error;
      return `not checked, npm cannot install the compilers: ${error.message.split('\n')[0]}`;
    }
    for (const file of ['web.ts', 'node.ts', 'dom.ts', 'peers.ts', 'jsdom.test.mjs'])
      copyFileSync(resolve('scripts/consumer', file), join(folder, file));
    copyFileSync(resolve('scripts/consumer/web.ts'), join(folder, 'web.cts'));

    const compile = compilations(folder);
    const count = compile.length;
    const tasks = [() => jsdom(folder), () => typesResolve(folder, library), ...compile];
    /** @type {string[]} */
    const problems = [];
    const worker = async () => {
      for (let task = tasks.shift(); task; task = tasks.shift()) problems.push(...(await task()));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    if (problems.length > 0) throw new Problem(problems.join('\n'));
    return `${count} compilations, attw and Jest`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {string} library - its tarball
 */
async function install(folder, library) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const compilers = COMPILERS.map((version) => `ts${version}@npm:typescript@${version}`);
  const quiet = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', 'install', '--prefix', folder, ...quiet, library, ...compilers, ...OTHERS, ...JEST, ATTW);
}

/** @param {string} folder */
function compilations(folder) {
  return Object.entries(PROJECTS).flatMap(([name, { compilerOptions, files, compilers }]) => {
    const project = join(folder, `${name}.json`);
    const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    const shared = { target: 'ES2022', noEmit: true, skipLibCheck: false, ...strict };
    writeFileSync(project, JSON.stringify({ compilerOptions: { ...shared, ...compilerOptions }, files }));
    return compilers.map((version) => async () => {
      const compiler = join(folder, 'node_modules', `ts${version}`, 'bin', 'tsc');
      const output = await run(process.execPath, compiler, '--pretty', 'false', '-p', project).catch(
        ({ message }) => message,
      );
      return ourErrors(output).map((error) => `TypeScript ${version}, ${name}: ${error}`);
    });
  });
}

/** Types of other packages may be too new for a compiler; that is not for us to mend. @param {string} output */
const ourErrors = (output) =>
  output.split('\n').filter((line) => line.includes('error TS') && !/node_modules[\\/](?!tinysse[\\/])/.test(line));

/**
 * @param {string} folder
 * @param {string} library - its tarball
 */
async function typesResolve(folder, library) {
  const attw = join(folder, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  try {
    await run(process.execPath, attw, library, '--profile', 'esm-only', '--no-emoji');
    return [];
  } catch (error) {
    return [error.message];
  }
}

/** @param {string} folder */
async function jsdom(folder) {
  const jest = join(folder, 'node_modules/jest/bin/jest.js');
  const options = ['--rootDir', folder, '--testEnvironment', 'jsdom', '--testMatch', '**/*.test.mjs'];
  try {
    await run(process.execPath, '--experimental-vm-modules', jest, ...options, '--transform', '{}');
    return [];
  } catch (error) {
    return [`Jest with jsdom: ${error.message}`];
  }
}
