import { test } from 'vitest';
import { describeWith, program } from '../packages/tinysse/test/programs.js';
import { deviations, expectAll, LONGEST_MS } from './expect.js';
import { runPage } from './run.js';
import { nativeSuites, suites } from './suites.mjs';

describeWith(['chromium'], 'in Chromium', () => {
  test(
    'every suite passes, and its own EventSource the standard ones',
    async () => expectAll(await runPage(program('chromium')!), { ...nativeSuites, ...suites }, deviations.chromium),
    LONGEST_MS,
  );
});

describeWith(['firefox-esr'], 'in Firefox', () => {
  test(
    'its own EventSource passes the standard suites',
    async () => expectAll(await runPage(program('firefox-esr')!, true), nativeSuites, deviations.firefox),
    LONGEST_MS,
  );
});
