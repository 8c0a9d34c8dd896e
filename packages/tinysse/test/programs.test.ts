import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { neededPrograms } from '../../../scripts/needed-programs.mjs';
import { program } from './programs.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Runs vitest with the project's reporter on one test file, as `npm test` would. */
function runTests(body: string, env: NodeJS.ProcessEnv): { status: number | null; output: string; lastLine: string } {
  mkdirSync(path('.tmp'), { recursive: true });
  const folder = mkdtempSync(path('.tmp/programs-'));
  try {
    const reporters = ['default', path('../../../scripts/test-reporter.mjs')];
    const config = { test: { include: ['*.test.ts'], reporters } };
    writeFileSync(join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
    const imports = `import { expect, test } from 'vitest'; import { describeWith } from '../../programs.ts';`;
    writeFileSync(join(folder, 'a.test.ts'), `${imports}\n${body}`);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path('../../../node_modules/vitest/vitest.mjs'), 'run', '--root', folder],
      { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', TINYSSE_TEST_REQUIRE: '', ...env } },
    );
    return { status, output: stdout + stderr, lastLine: stdout.trim().split('\n').at(-1) ?? '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const needsMissing = `
  test('runs anyway', () => {});
  describeWith(['node'], 'with node', () => { test('runs', () => {}); });
  describeWith(['node', 'no-such-program'], 'with more', () => { test('waits', () => {}); });`;
const requireAll = { TINYSSE_TEST_REQUIRE: 'all' };

test('finds a program on PATH', () => {
  expect(program('node')).toMatch(/^\/.*node$/);
  expect(program('no-such-program')).toBeUndefined();
});

test('every program that a suite needs is among those that are installed', () => {
  const suites = ['.', '../../tinysse-hub/test']
    .flatMap((folder) => readdirSync(path(folder), { recursive: true }).map((file) => path(join(folder, String(file)))))
    .filter((file) => file.endsWith('.test.ts') && !file.includes('.tmp') && !file.endsWith('programs.test.ts'));
  const needed = suites.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/describeWith\(\s*\[([^\]]*)\]/g)].flatMap(([, list]) =>
      [...list!.matchAll(/'([\w.-]+)'/g)].map(([, name]) => name!),
    ),
  );
  expect(needed).toContain('mkfs.ext4');
  expect(needed.filter((name) => !Object.hasOwn(neededPrograms, name))).toEqual([]);
});

test('a suite whose program is missing is skipped, and the run passes', () => {
  const { status, lastLine } = runTests(needsMissing, {});
  expect(lastLine).toBe('2 passed, 0 failed, 1 skipped');
  expect(status).toBe(0);
});

test('when all programs are required, a missing one is a failed test that names it', () => {
  const { status, output, lastLine } = runTests(needsMissing, requireAll);
  expect(output).toContain('not found on PATH: no-such-program');
  expect(lastLine).toBe('2 passed, 1 failed');
  expect(status).toBe(1);
});

test('when all programs are required, any skipped test fails the run and is named', () => {
  const body = `test('runs', () => {}); test.skip('sleeps', () => {}); test.todo('comes later');`;
  const { status, output, lastLine } = runTests(body, requireAll);
  expect(output).toContain('a.test.ts > sleeps');
  expect(output).toContain('a.test.ts > comes later');
  expect(lastLine).toBe('1 passed, 2 failed');
  expect(status).toBe(1);
});

test('errors outside of tests count as failures', () => {
  const { status, lastLine } = runTests(`import './nowhere.js'; test('never runs', () => {});`, {});
  expect(lastLine).toBe('0 passed, 1 failed');
  expect(status).toBe(1);
});
