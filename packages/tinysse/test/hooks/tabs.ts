import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import { FLAGS, type Site } from '../client/site.js';
import { program } from '../programs.js';

/** Bundles a module for a page, whose exports are then in the global `page`; with development builds of frameworks. */
export async function bundlePage(contents: string, plugins: Plugin[] = []): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'tsx' },
    jsx: 'automatic',
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'page',
    conditions: ['tinysse-source', 'development'],
    define: {
      'process.env.NODE_ENV': '"development"',
      __VUE_OPTIONS_API__: 'true',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'true',
    },
    plugins,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

export interface Tab extends Page {
  /** Errors and warnings of its console, and what nobody caught. */
  complaints: string[];
}

/**
 * Chromium, for the tests of the suite in which it is called.
 * @returns opens a tab at a URL, in a context of its own or in that of another tab
 */
export function withTabs(): (url: string, beside?: Tab) => Promise<Tab> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program('chromium')!, args: FLAGS.split(' ') });
  });
  afterAll(() => browser?.close());

  async function newContext(): Promise<BrowserContext> {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    return context;
  }
  return async (url, beside) => {
    const tab = Object.assign(await (beside?.context() ?? (await newContext())).newPage(), {
      complaints: [] as string[],
    });
    tab.on('console', (message) => {
      // Of a request that failed Chromium tells by itself.
      if (/error|warning/.test(message.type()) && !/Failed to load resource/.test(message.text()))
        tab.complaints.push(message.text());
    });
    tab.on('pageerror', (error) => tab.complaints.push(String(error)));
    await tab.goto(url);
    return tab;
  };
}

// Every page of these tests has paragraphs of `STATUS LENGTH LAST`, one for each component.

/** Waits until so many components are open. */
export const open = (tab: Page, count: number) =>
  tab.waitForFunction(
    (count) => [...document.querySelectorAll('p')].filter((p) => p.textContent!.startsWith('open')).length === count,
    count,
  );
/** Waits until so many components have that datum as their last. */
export const has = (tab: Page, data: string, count = 1) =>
  tab.waitForFunction(
    ([data, count]) =>
      [...document.querySelectorAll('p')].filter((p) => p.textContent!.endsWith(` ${data}`)).length === count,
    [data, count] as const,
  );
/** Waits until the server has so many streams. */
export const holds = (site: Site, count: number) => vi.waitFor(() => expect(site.open).toBe(count), 10_000);
