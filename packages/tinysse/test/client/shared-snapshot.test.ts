import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { SSEClient, SSEClientOptions } from 'tinysse/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { describeWith, program } from '../programs.js';
import { createSite, FLAGS } from './site.js';

const runs = Number(process.env.TINYSSE_TAB_RUNS ?? 6);
const seed = Number(process.env.TINYSSE_PROPERTY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const KEYS = 8;
const RETENTION = 8;

declare const page: {
  createSharedSSEClient(options: SSEClientOptions): SSEClient;
  client: SSEClient;
  /** What the tab has made of the stream, how many snapshots it was given whole, and what it must not have heard. */
  rows: Record<string, number>;
  wholes: number;
  faults: string[];
  resets: string[];
};

const bundle = build({
  entryPoints: [fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'page',
}).then(({ outputFiles }) => outputFiles[0]!.text);

/** A site whose server has a row for each key, changes them before it tells of it, and can be made to wait half-way in a snapshot. */
async function createStateSite(replayAllOnConnect = false) {
  const rows: Record<string, number> = {};
  for (let key = 0; key < KEYS; key++) rows[`k${key}`] = 0;
  let gate: Promise<void> | undefined;
  let open = () => {};
  const counts = { begun: 0, waiting: 0 };
  async function* snapshot() {
    counts.begun++;
    for (const [i, row] of Object.entries(rows).entries()) {
      if (i === KEYS / 2 && gate) {
        counts.waiting++;
        await gate.finally(() => counts.waiting--);
      }
      yield { event: 'row', data: JSON.stringify(row) };
    }
  }
  const site = await createSite(await bundle, RETENTION, snapshot, replayAllOnConnect);
  let n = 0;
  return {
    site,
    rows,
    counts,
    hold() {
      gate ??= new Promise((resolve) => (open = resolve));
    },
    release() {
      gate = undefined;
      open();
    },
    /** Loses the tabs, and more than is kept. */
    async gap() {
      site.refuse(503);
      site.cut();
      await this.change(2 * RETENTION);
      site.refuse(0);
    },
    async change(count: number) {
      for (let i = 0; i < count; i++) {
        const row = [`k${n++ % KEYS}`, n];
        rows[row[0]!] = n;
        await site.sse.publish(JSON.stringify(row), 'all');
      }
    },
  };
}

describeWith(['chromium'], 'tabs of one origin, where the server sends snapshots,', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program('chromium')!, args: FLAGS.split(' ') });
  });
  afterAll(() => browser?.close());

  async function createContext(): Promise<BrowserContext> {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    return context;
  }
  async function openTab(context: BrowserContext, url: string): Promise<Page> {
    const tab = await context.newPage();
    await tab.goto(url);
    await tab.evaluate((keys) => {
      Object.assign(page, { rows: {}, wholes: 0, faults: [], resets: [] });
      page.client = page.createSharedSSEClient({ endpoint: '/events', identity: 'ann', retryInterval: 20 });
      let inside = false;
      page.client.onSnapshot(({ complete }) => {
        inside = !complete;
        if (!complete) page.rows = {};
        else if (Object.keys(page.rows).length === keys) page.wholes++;
        else page.faults.push(`half a snapshot: ${JSON.stringify(page.rows)}`);
      });
      page.client.onReset(({ reason }) => page.resets.push(reason));
      page.client.onMessage(({ event, data }) => {
        if ((event === 'row') !== inside) page.faults.push(`${event} ${inside ? 'in' : 'outside'} a snapshot`);
        if (!inside && !page.wholes) page.faults.push(`${event} before any snapshot`);
        const [key, value] = JSON.parse(data) as [string, number];
        page.rows[key] = value;
      });
      page.client.connect();
      void navigator.locks.request(`tab ${performance.timeOrigin}`, () => new Promise(() => {}));
    }, KEYS);
    return tab;
  }
  const leads = (tab: Page) =>
    tab.evaluate(async () => {
      const { held } = await navigator.locks.query();
      const leader = held!.find(({ name }) => name === `tinysse:${location.href}events ann`);
      const own = held!.find(({ name }) => name === `tab ${performance.timeOrigin}`);
      return !!leader && leader.clientId === own?.clientId;
    });
  async function leaderOf(tabs: Page[]): Promise<Page | undefined> {
    for (const tab of tabs) if (await leads(tab)) return tab;
    return undefined;
  }
  async function crash(context: BrowserContext, tab: Page): Promise<void> {
    const gone = new Promise((resolve) => tab.once('crash', resolve));
    const session = await context.newCDPSession(tab);
    session.send('Page.crash').catch(() => {});
    await gone;
  }
  const shows = (tab: Page, rows: Record<string, number>) =>
    tab
      .waitForFunction(
        ([rows, keys]) => page.wholes && keys.every((key) => page.rows[key] === rows[key]),
        [rows, Object.keys(rows)] as const,
        { timeout: 20_000 },
      )
      .catch(async () => expect(await tab.evaluate(() => page)).toEqual({ rows }));
  const faults = (tab: Page) => tab.evaluate(() => page.faults);
  const wholes = (tab: Page) => tab.evaluate(() => page.wholes);

  test('a newcomer gets a snapshot, and so does everyone who is there when it begins', async () => {
    const { site, rows, change } = await createStateSite();
    const context = await createContext();
    const first = await openTab(context, site.url);
    await shows(first, rows);
    await change(3);
    await shows(first, rows);
    const second = await openTab(context, site.url);
    await shows(second, rows);
    await change(1);
    for (const tab of [first, second]) await shows(tab, rows);
    expect([await wholes(first), await wholes(second)]).toEqual([2, 1]);
    for (const tab of [first, second]) expect(await faults(tab)).toEqual([]);
    await vi.waitFor(() => expect(site.open).toBe(1));
  });

  test('one that joins in the middle of a snapshot takes nothing of it, and gets its own after the end', async () => {
    const { site, rows, counts, change, hold, release } = await createStateSite();
    const context = await createContext();
    hold();
    const first = await openTab(context, site.url);
    await vi.waitFor(() => expect(counts.waiting).toBe(1), 10_000);
    await first.waitForFunction((half) => Object.keys(page.rows).length === half, KEYS / 2);
    const second = await openTab(context, site.url);
    await second.waitForFunction(() => page.client.state === 'open');
    await change(3);
    expect(counts.begun).toBe(1);
    release();
    for (const tab of [first, second]) await shows(tab, rows);
    expect([await wholes(first), await wholes(second), counts.begun]).toEqual([2, 1, 2]);
    for (const tab of [first, second]) expect(await faults(tab)).toEqual([]);
  });

  test.each(['close', 'crash'])(
    'one whose leader is lost in the middle (%s) gets all of it from the next',
    async (end) => {
      const { site, rows, counts, change, hold, release } = await createStateSite();
      const context = await createContext();
      const tabs = [await openTab(context, site.url)];
      await shows(tabs[0]!, rows);
      hold();
      tabs.push(await openTab(context, site.url));
      const half = (tab: Page) => tab.waitForFunction((half) => Object.keys(page.rows).length === half, KEYS / 2);
      await Promise.all(tabs.map(half));
      // Too late for this one.
      tabs.push(await openTab(context, site.url));
      await tabs[2]!.waitForFunction(() => page.client.state === 'open');
      if (end === 'close') await tabs[0]!.close();
      else await crash(context, tabs[0]!);
      const left = tabs.slice(1).filter((tab) => !tab.isClosed());
      await vi.waitFor(() => expect(counts.begun).toBe(3), 10_000);
      release();
      await change(2);
      for (const tab of left) {
        await shows(tab, rows);
        expect([await wholes(tab), await faults(tab)]).toEqual([1, []]);
      }
    },
  );

  const hears = async (tab: Page, change: (count: number) => Promise<void>, rows: Record<string, number>) => {
    await change(1);
    const newest = Math.max(...Object.values(rows));
    await tab.waitForFunction((newest) => Object.values(page.rows).includes(newest), newest, { timeout: 10_000 });
  };
  test('a newcomer goes without where the server has sent one after a gap and gives newcomers none', async () => {
    const state = await createStateSite(true);
    const { site, rows, change } = state;
    const context = await createContext();
    const first = await openTab(context, site.url);
    await hears(first, change, rows);
    await state.gap();
    await shows(first, rows);
    for (let joined = 0; joined < 2; joined++) {
      const before = site.asked;
      const tab = await openTab(context, site.url);
      await hears(tab, change, rows);
      await shows(first, rows);
      expect(site.asked - before).toBeLessThanOrEqual(2);
      expect(await tab.evaluate(() => page.resets)).toEqual([]);
    }
    expect(state.counts.begun).toBe(1);
  });

  test('one whose leader is lost in the middle goes on with a reset where the next server gives none', async () => {
    const state = await createStateSite(true);
    const { site, rows, change, hold, release } = state;
    const context = await createContext();
    const [leader, other] = [await openTab(context, site.url), await openTab(context, site.url)];
    for (const tab of [leader, other]) await hears(tab, change, rows);
    hold();
    await state.gap();
    await vi.waitFor(() => expect(state.counts.waiting).toBe(1), 10_000);
    await other.waitForFunction((half) => Object.keys(page.rows).length === half, KEYS / 2);
    const before = site.asked;
    const told = await other.evaluate(() => page.resets.length);
    await leader.close();
    await vi.waitFor(() => expect(site.asked).toBeGreaterThan(before), 10_000);
    release();
    await hears(other, change, rows);
    expect(site.asked - before).toBeLessThanOrEqual(2);
    expect(await other.evaluate((told) => page.resets.slice(told), told)).toEqual(['unknown']);
    await vi.waitFor(() => expect(site.open).toBe(1));
  });

  const op = fc.oneof(
    { weight: 4, arbitrary: fc.constant(['open', 0] as const) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('change' as const), fc.integer({ min: 1, max: 5 })) },
    ...(['hold', 'release', 'release', 'gap', 'cut', 'close', 'crash', 'leave', 'reconnect'] as const).map((name) => ({
      weight: name === 'crash' ? 1 : 2,
      arbitrary: fc.tuple(fc.constant(name), fc.nat(10)),
    })),
  );
  test(`each takes all of a snapshot or nothing, on ${runs} random schedules (TINYSSE_PROPERTY_SEED=${seed})`, {
    timeout: 600_000,
  }, async () => {
    const schedules = fc.sample(fc.array(op, { minLength: 8, maxLength: 14, size: 'max' }), { numRuns: runs, seed });
    for (const [i, schedule] of schedules.entries()) {
      const told = `schedule ${i}: ${JSON.stringify(schedule)}`;
      const state = await createStateSite();
      const { site, rows, change, hold, release } = state;
      const context = await createContext();
      let tabs = [await openTab(context, site.url)];
      const remove = async (tab: Page | undefined, end: (tab: Page) => Promise<void>): Promise<void> => {
        if (!tab || tabs.length === 1) return;
        tabs = tabs.filter((one) => one !== tab);
        await end(tab);
      };
      const crashed = new Set<Page>();
      for (const [what, n] of schedule) {
        const one = tabs[n % tabs.length]!;
        if (what === 'open' && tabs.length < 5) {
          const tab = await openTab(context, site.url);
          tab.on('crash', () => crashed.add(tab));
          tabs.push(tab);
        } else if (what === 'change') await change(n);
        else if (what === 'hold') hold();
        else if (what === 'release') release();
        else if (what === 'cut') site.cut();
        else if (what === 'gap') await state.gap();
        else if (what === 'close') await remove(await leaderOf(tabs), (tab) => tab.close());
        else if (what === 'leave') await remove(one, (tab) => tab.close());
        else if (what === 'crash') await remove(await leaderOf(tabs), (tab) => crash(context, tab));
        else if (what === 'reconnect')
          await one.evaluate(() => {
            page.client.close();
            page.client.connect();
          });
        // One that had a process with the one that crashed.
        tabs = tabs.filter((tab) => !crashed.has(tab));
        if (!tabs.length) tabs.push(await openTab(context, site.url));
      }
      release();
      await change(1);
      for (const tab of tabs) {
        await shows(tab, rows);
        expect(await faults(tab), told).toEqual([]);
      }
      await vi.waitFor(() => expect(site.open, told).toBe(1), 10_000);
      await context.close();
    }
  });
});
