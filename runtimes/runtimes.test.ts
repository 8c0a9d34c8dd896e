import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { describeWith } from '../packages/tinysse/test/programs.js';
import { runtimePrograms } from '../scripts/runtimes.mjs';
import { deviations, expectAll, LONGEST_MS } from './expect.js';
import { runProcess, runWorker } from './run.js';
import { suites } from './suites.mjs';

const { workerd, Bun, Deno, ...nodes } = runtimePrograms;
// The Node that runs the tests stands for its version.
const thisNode = `Node ${process.versions.node.split('.')[0]}`;

const processes: [name: string, program: string, ...args: string[]][] = [
  ...Object.entries({ ...nodes, [thisNode]: process.execPath }),
  ['Bun', Bun],
  ['Deno', Deno, 'run', '--no-config', '--allow-net=127.0.0.1', '--allow-env'],
];

for (const [name, file, ...args] of processes)
  describeWith([file], `in ${name}`, () => {
    test('every suite passes', async () => expectAll(await runProcess(file, ...args), suites), LONGEST_MS);
  });

describeWith([workerd], 'in workerd', () => {
  test('every suite passes', async () => expectAll(await runWorker(workerd), suites, deviations.workerd), LONGEST_MS);
});

describeWith(Object.values(nodes), 'the installed Nodes', () => {
  test.each(Object.entries(nodes))('%s is that version', (name, file) => {
    expect(execFileSync(file, ['--version'], { encoding: 'utf8' })).toMatch(`v${name.slice('Node '.length)}.`);
  });
});
