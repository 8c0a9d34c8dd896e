import { test } from 'vitest';
import { describeWith } from '../packages/tinysse/test/programs.js';
import { deviations, expectAll, LONGEST_MS } from './expect.js';
import { programOf, runProcess, runWorker } from './run.js';
import { suites } from './suites.mjs';

const processes: [name: string, program: string, ...args: string[]][] = [
  ['this Node', process.execPath],
  ['Node 22', programOf('node22/bin/node')],
  ['Node 24', programOf('node24/bin/node')],
  ['Bun', programOf('@oven/bun-linux-x64/bin/bun')],
  ['Deno', programOf('@deno/linux-x64-glibc/deno'), 'run', '--no-config', '--allow-net=127.0.0.1', '--allow-env'],
];

for (const [name, file, ...args] of processes)
  describeWith([file], `in ${name}`, () => {
    test('every suite passes', async () => expectAll(await runProcess(file, ...args), suites), LONGEST_MS);
  });

const workerd = programOf('@cloudflare/workerd-linux-64/bin/workerd');
describeWith([workerd], 'in workerd', () => {
  test('every suite passes', async () => expectAll(await runWorker(workerd), suites, deviations.workerd), LONGEST_MS);
});
