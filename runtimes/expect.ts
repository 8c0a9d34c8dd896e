import { expect } from 'vitest';
import type { Line } from './run.js';

/** Where a runtime does not do what the standard says, by suites and cases, and what it does instead. */
export const deviations: Record<string, Record<string, string>> = {
  chromium: {
    'native EventSource: a stream is UTF-8 whatever charset its type names':
      'ends it, as an older text of the standard did',
  },
  firefox: {
    'native EventSource: NUL is a character of data like any other': 'drops NUL',
    'native EventSource: an id with NUL is ignored': 'drops the event',
    'native EventSource: an id with NUL does not go along': 'drops the event',
    'native EventSource: a block without data is no event, and its name is forgotten': 'forgets its id too',
    'native EventSource: the id of a block without data goes along': 'forgets it',
    'native EventSource: is open when the headers have come': 'is open when a byte of the body has come',
  },
  // github.com/cloudflare/workerd/issues/6927: headers are not bytes there.
  workerd: {
    'createSSEClient: an id goes along as UTF-8': 'encodes it twice',
    'EventSource: an id goes along as UTF-8': 'encodes it twice',
  },
};

/** Every case ran once, and those that failed are just these. */
export function expectAll(lines: Line[], held: Record<string, { cases: number }>, failing: object = {}): void {
  const failed = new Map(lines.filter(({ error }) => error).map((line) => [`${line.suite}: ${line.name}`, line.error]));
  for (const known of Object.keys(failing)) expect(failed.delete(known), `does not fail: ${known}`).toBe(true);
  expect(Object.fromEntries(failed)).toEqual({});
  const count = (suite: string) => lines.filter((line) => line.suite === suite).length;
  for (const [suite, { cases }] of Object.entries(held)) expect([suite, count(suite)]).toEqual([suite, cases]);
}

/** The longest that all suites may take in a runtime, in milliseconds. */
export const LONGEST_MS = 180_000;
