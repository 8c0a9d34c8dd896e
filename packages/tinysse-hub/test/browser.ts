import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { program } from '../../tinysse/test/programs.js';

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: program('chromium') as string, args: FLAGS.split(' ') });

/** A page, and all that went wrong in it. */
export interface Visit {
  readonly page: Page;
  readonly problems: string[];
  /** Everything that was asked of any server. */
  readonly requested: string[];
}

/** Opens the hub's page; it is subscribed. */
export async function visit(browser: Browser, url: string): Promise<Visit> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const problems: string[] = [];
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  await page.goto(url);
  await page.locator('[data-state=open]').waitFor();
  return { page, problems, requested };
}

/** The data of the events that a page shows, oldest first. */
export const shown = async (page: Page): Promise<string[]> =>
  (await page.locator('.events .data').allTextContents()).reverse();
