import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../tinysse/test/programs.js';
import { launch, shown, visit } from './browser.js';
import { start, startHub } from './program.js';

describeWith(['chromium'], 'a program that publishes lines, a tail and a page at once', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  test('go on by themselves when the hub is killed and started again, and show the reset', async () => {
    const first = await startHub();
    const env = { TINYSSE_URL: first.url };
    const tail = start(['tail', 'system'], env);
    await tail.until(({ stderr }) => stderr.includes('connected'));
    const { page } = await visit(browser, `${first.url}/?channel=system`);
    const lines = start(['publish', 'system', '--lines'], env);

    const before = Array.from({ length: 20 }, (_, i) => `before ${i}`);
    for (const line of before) lines.child.stdin.write(`${line}\n`);
    await tail.until(({ stdout }) => stdout === `${before.join('\n')}\n`);
    await page.locator('.events .data', { hasText: 'before 19' }).waitFor();
    expect(await shown(page)).toEqual(before);

    expect(await first.program.end('SIGKILL')).toBe('SIGKILL');
    lines.child.stdin.write('while it was away\n');
    await lines.until(({ stderr }) => /cannot reach the hub at \S+: connection \w+; trying for 60 s/.test(stderr));
    await tail.until(({ stderr }) => stderr.includes('reconnecting'));
    await page.locator('[data-state=waiting]').waitFor();

    await startHub(['--port', String(first.port)]);
    lines.child.stdin.end('after\n');
    expect(await lines.ended).toBe(0);
    expect(lines.stderr).toContain('the hub is back');

    await tail.until(({ stdout }) => stdout.endsWith('while it was away\nafter\n'));
    expect(tail.stdout).toBe(`${[...before, 'while it was away', 'after'].join('\n')}\n`);
    expect(tail.stderr.match(/reset: events after \S+-20 may be missing \(the hub has a new log\)/g)).toHaveLength(1);
    expect(tail.stderr.match(/connected to/g)).toHaveLength(2);

    await page.locator('.events .data', { hasText: /^after$/ }).waitFor();
    expect(await page.locator('.events .reset').count()).toBe(1);
    expect(await page.locator('.events .reset').innerText()).toContain('Events may be missing here');
    const rows = await page.locator('.events li').allTextContents();
    expect(
      rows
        .map((row) => /Reset|while it was away|after$|before 19/.exec(row.replace(/[0-9a-f]{16}-\d+$/, ''))?.[0])
        .filter(Boolean),
    ).toEqual(['after', 'while it was away', 'Reset', 'before 19']);
  });
});
