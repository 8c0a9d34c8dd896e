import { describe, test } from 'vitest';
import { findProgram } from '../../../scripts/needed-programs.mjs';

/** The absolute path of a program (`chromium`, `redis-server`, …) found on PATH. */
export function program(name: string): string | undefined {
  return findProgram(name);
}

/**
 * A vitest suite that uses real programs. Where one is missing the suite is reported as skipped, with the reason in its
 * title; with `TINYSSE_TEST_REQUIRE=all` it fails instead.
 *
 * @example
 * describeWith(['chromium'], 'the client in a browser', () => {
 *   test('connects', async () => { … program('chromium')! … });
 * });
 */
export function describeWith(names: readonly string[], title: string, body: () => void): void {
  const missing = names.filter((name) => program(name) === undefined);
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const needs = `needs ${missing.join(', ')}`;
  if (process.env.TINYSSE_TEST_REQUIRE === 'all') {
    describe(title, () => {
      test(needs, () => {
        throw new Error(`TINYSSE_TEST_REQUIRE=all, and not found on PATH: ${missing.join(', ')}`);
      });
    });
    return;
  }
  describe.skip(`${title} (skipped: ${needs})`, body);
}
