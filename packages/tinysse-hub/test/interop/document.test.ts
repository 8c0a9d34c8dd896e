import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const PAGE = new URL('../../../../docs/go-tinysse.md', import.meta.url);
const page = readFileSync(PAGE, 'utf8');

test('no cell of its tables is empty, and every row has all', () => {
  for (const table of page.match(/(^\|.*\n)+/gm)!) {
    const rows = table
      .trim()
      .split('\n')
      .map((row) => row.split('|').slice(1, -1));
    for (const row of rows) {
      expect(row).toHaveLength(rows[0]!.length);
      expect(row.map((cell) => cell.trim())).not.toContain('');
    }
  }
});

test('every test that it names is there', () => {
  const named = [...page.matchAll(/\]\((\S+\.test\.ts)\) "([^"]+)"/g)];
  expect(named.length).toBeGreaterThan(8);
  for (const [, file, title] of named) expect(readFileSync(new URL(file!, PAGE), 'utf8')).toContain(`'${title}'`);
});
