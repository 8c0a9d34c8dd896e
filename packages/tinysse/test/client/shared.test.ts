import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { SSEServer } from 'tinysse';
import type { Codec, SSEClient, SSEClientOptions } from 'tinysse/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { describeWith, program } from '../programs.js';
import { createSite, FLAGS } from './site.js';

declare const page: {
  createSharedSSEClient(options: SSEClientOptions): SSEClient;
  json: Codec;
  client: SSEClient;
  seen: string[];
};

const bundle = build({
  entryPoints: [fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'page',
}).then(({ outputFiles }) => outputFiles[0]!.text);

describeWith(['chromium'], 'tabs of one origin', () => {
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

  /** A tab that listens and keeps what it hears: data, `reset`, codes of errors. */
  async function openTab(context: BrowserContext, url: string, options: Partial<SSEClientOptions> = {}) {
    const tab = await context.newPage();
    await tab.goto(url);
    await tab.evaluate((options) => {
      page.seen = [];
      page.client = page.createSharedSSEClient({ endpoint: '/events', identity: 'ann', retryInterval: 20, ...options });
      page.client.onMessage(({ data }) => page.seen.push(data));
      page.client.onReset(({ reason }) => page.seen.push(`reset ${reason}`));
      page.client.onError(({ code }) => page.seen.push(code));
      page.client.connect();
      // A lock of its own tells which tab this is.
      void navigator.locks.request(`tab ${performance.timeOrigin}`, () => new Promise(() => {}));
    }, options);
    return tab;
  }
  const isOpen = (tab: Page) => tab.waitForFunction(() => page.client.state === 'open' && page.client.lastEventId);
  const seen = (tab: Page) => tab.evaluate(() => page.seen);
  const has = (tab: Page, data: string) => tab.waitForFunction((data) => page.seen.includes(data), data);
  const leads = (tab: Page) =>
    tab.evaluate(async () => {
      const { held } = await navigator.locks.query();
      const leader = held!.find(({ name }) => name === `tinysse:${location.href}events ann`);
      return leader?.clientId === held!.find(({ name }) => name === `tab ${performance.timeOrigin}`)!.clientId;
    });
  async function leaderOf(tabs: Page[]): Promise<Page> {
    for (const tab of tabs) if (await leads(tab)) return tab;
    throw new Error('no tab leads');
  }
  /** Publishes numbers until it is told to stop. @returns how many */
  function publishing(sse: SSEServer): () => Promise<number> {
    let count = 0;
    const timer = setInterval(() => void sse.publish(`${count++}`, 'all'), 2);
    onTestFinished(() => clearInterval(timer));
    return async () => {
      clearInterval(timer);
      await sse.publish('last', 'all');
      return count;
    };
  }
  const upTo = (count: number) => [...Array.from({ length: count }, (_, n) => `${n}`), 'last'];
  const open = (context: BrowserContext, url: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => openTab(context, url)));

  test('20 of them have one connection; leaders are closed and crash, and no tab loses or doubles an event', async () => {
    const site = await createSite(await bundle, 100_000);
    const context = await createContext();
    let tabs = await open(context, site.url, 20);
    await Promise.all(tabs.map(isOpen));
    expect(site.asked).toBe(1);
    const stop = publishing(site.sse);
    const gone: Page[] = [];
    for (const tab of tabs) tab.on('crash', () => gone.push(tab));
    for (const end of ['close', 'crash', 'close', 'crash']) {
      const leader = await leaderOf(tabs);
      const before = site.asked;
      if (end === 'close') await leader.close();
      else {
        const session = await context.newCDPSession(leader);
        session.send('Page.crash').catch(() => {});
        await vi.waitFor(() => expect(gone).toContain(leader));
      }
      tabs = tabs.filter((tab) => tab !== leader && !gone.includes(tab));
      await vi.waitFor(() => expect(site.asked).toBeGreaterThan(before), 10_000);
    }
    const count = await stop();
    await Promise.all(tabs.map((tab) => has(tab, 'last')));
    expect(tabs.length).toBeGreaterThanOrEqual(10);
    for (const tab of tabs) expect(await seen(tab)).toEqual(upTo(count));
    await vi.waitFor(() => expect(site.open).toBe(1));
  });

  test('that come and go while events flow begin where they joined, and miss nothing', async () => {
    const site = await createSite(await bundle, 100_000);
    const context = await createContext();
    const first = await openTab(context, site.url);
    await isOpen(first);
    const stop = publishing(site.sse);
    const others: Page[] = [];
    for (let n = 0; n < 4; n++) others.push(await openTab(context, site.url));
    await Promise.all(others.map(isOpen));
    await first.evaluate(() => page.client.close());
    await others[1]!.close();
    const late = await openTab(context, site.url);
    await isOpen(late);
    await first.evaluate(() => page.client.connect());
    await isOpen(first);
    const all = upTo(await stop());
    const left = [first, others[0]!, others[2]!, others[3]!, late];
    await Promise.all(left.map((tab) => has(tab, 'last')));
    for (const tab of left) {
      const got = await seen(tab);
      expect(got).toEqual(all.slice(-got.length));
    }
    expect(await seen(first)).toEqual(all);
    await vi.waitFor(() => expect(site.open).toBe(1));
  });

  test('go on after a lost connection, and hear of it', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const tabs = await open(context, site.url, 3);
    await Promise.all(tabs.map(isOpen));
    await site.sse.publish('before', 'all');
    await Promise.all(tabs.map((tab) => has(tab, 'before')));
    site.cut();
    await site.sse.publish('missed', 'all');
    await Promise.all(tabs.map((tab) => has(tab, 'missed')));
    for (const tab of tabs) expect(await seen(tab)).toEqual(['before', 'NETWORK', 'missed']);
    expect(site.asked).toBe(2);
  });

  test('that stand at different positions each get what they are missing, over one connection', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const cursors = [];
    for (let n = 0; n < 6; n++) cursors.push(await site.sse.publish(`${n}`, 'all'));
    const tabs = [];
    for (const n of [5, 3, 0, 4])
      tabs.push([n, await openTab(context, site.url, { lastEventId: cursors[n]! })] as const);
    const earliest = await openTab(context, site.url, { lastEventId: 'earliest' });
    await site.sse.publish('last', 'all');
    for (const [n, tab] of tabs) {
      await has(tab, 'last');
      expect(await seen(tab)).toEqual([...['0', '1', '2', '3', '4', '5'].slice(n + 1), 'last']);
    }
    await has(earliest, 'last');
    expect(await seen(earliest)).toEqual(['0', '1', '2', '3', '4', '5', 'last']);
    await vi.waitFor(() => expect(site.open).toBe(1));
  });

  test('are all told of a gap', async () => {
    const site = await createSite(await bundle, 2);
    const context = await createContext();
    const tabs = await open(context, site.url, 3);
    await Promise.all(tabs.map(isOpen));
    await site.sse.publish('first', 'all');
    await Promise.all(tabs.map((tab) => has(tab, 'first')));
    site.refuse(503);
    site.cut();
    for (let n = 0; n < 5; n++) await site.sse.publish(`${n}`, 'all');
    site.refuse(0);
    await Promise.all(tabs.map((tab) => has(tab, '4')));
    for (const tab of tabs)
      expect((await seen(tab)).filter((what) => !/NETWORK|HTTP_STATUS/.test(what))).toEqual([
        'first',
        'reset evicted',
        '3',
        '4',
      ]);
  });

  test('end together on an answer that will not change', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const tabs = await open(context, site.url, 3);
    await Promise.all(tabs.map(isOpen));
    site.refuse(403);
    site.cut();
    for (const tab of tabs) {
      await tab.waitForFunction(() => page.client.state === 'closed');
      expect(await seen(tab)).toEqual(['NETWORK', 'HTTP_STATUS']);
    }
  });

  test('take a loop that is slow along: it gets every event, however far it is behind', async () => {
    const site = await createSite(await bundle, 100_000);
    const context = await createContext();
    const [fast, slow] = (await open(context, site.url, 2)) as [Page, Page];
    await Promise.all([isOpen(fast), isOpen(slow)]);
    await slow.evaluate(() => {
      page.client.close();
      page.seen = [];
      void (async () => {
        for await (const { data } of page.client) {
          if (data === '0') await new Promise<void>((resolve) => Object.assign(window, { go: resolve }));
          page.seen.push(`loop ${data}`);
          if (data === 'last') break;
        }
      })();
    });
    await isOpen(slow);
    for (let n = 0; n < 3_000; n++) void site.sse.publish(`${n}`, 'all');
    await site.sse.publish('last', 'all');
    await has(fast, 'last');
    await slow.evaluate('go()');
    await has(slow, 'loop last');
    const got = (await seen(slow)).filter((what) => what.startsWith('loop'));
    expect(got).toEqual(upTo(3_000).map((data) => `loop ${data}`));
    expect(await seen(fast)).toEqual(upTo(3_000));
    await vi.waitFor(() => expect(site.open).toBe(1));
  });

  test('take no more for a loop that holds a long snapshot, and read the stream again when it has none', async () => {
    const rows = Array.from({ length: 1_500 }, (_, n) => ({ data: `row ${n}` }));
    const site = await createSite(await bundle, 100_000, () => rows);
    const context = await createContext();
    const slow = await openTab(context, site.url);
    await isOpen(slow);
    await slow.evaluate(() => {
      page.client.close();
      page.seen = [];
      void (async () => {
        for await (const { data } of page.client) {
          if (data === 'row 0') await new Promise<void>((resolve) => Object.assign(window, { go: resolve }));
          page.seen.push(`loop ${data}`);
        }
      })();
    });
    await isOpen(slow);
    // It makes all begin again with a snapshot.
    const fast = await openTab(context, site.url);
    await isOpen(fast);
    await site.sse.publish('last', 'all');
    await has(fast, 'last');
    const before = site.asked;
    await slow.evaluate('go()');
    await has(slow, 'loop last');
    expect(site.asked).toBe(before + 1);
    const got = (await seen(slow)).filter((what) => what.startsWith('loop'));
    expect(got).toEqual([...rows.map(({ data }) => `loop ${data}`), 'loop last']);
  });

  test('that join while another begins to lead begin with it, and lose nothing when they lead next', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const tabs = await open(context, site.url, 2);
    await Promise.all(tabs.map(isOpen));
    const [leader, other] = ((await leads(tabs[0]!)) ? tabs : tabs.reverse()) as [Page, Page];
    await leader.evaluate(() => {
      page.client.close();
      page.client = page.createSharedSSEClient({ endpoint: '/events', identity: 'ann', retryInterval: 20 });
      page.client.onMessage(({ data }) => page.seen.push(data));
      page.client.connect();
    });
    await Promise.all(tabs.map(isOpen));
    expect(await leads(other)).toBe(true);
    site.refuse(503);
    site.cut();
    await site.sse.publish('missed', 'all');
    await other.close();
    site.refuse(0);
    await has(leader, 'missed');
  });

  test('decode by the codec of each, and tell what it refuses', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const tabs = await open(context, site.url, 2);
    await Promise.all(tabs.map(isOpen));
    await tabs[1]!.evaluate(() => {
      page.client.close();
      page.client = page.createSharedSSEClient({ endpoint: '/events', identity: 'ann', codec: page.json });
      page.client.onMessage(({ data }) => page.seen.push(`${typeof data} ${data}`));
      page.client.onError(({ code }) => page.seen.push(code));
      page.client.connect();
    });
    await Promise.all(tabs.map(isOpen));
    await site.sse.publish('{', 'all');
    await site.sse.publish('17', 'all');
    await has(tabs[1]!, 'number 17');
    expect(await seen(tabs[1]!)).toEqual(['VALIDATION', 'number 17']);
    await has(tabs[0]!, '17');
    expect(await seen(tabs[0]!)).toEqual(['{', '17']);
  });

  test('share only what is the same user’s: not with a changed cookie or sign-in, nor where nobody says whose it is', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const signIn = (value: string) =>
      context.addCookies([{ name: 'user', value, url: site.url, httpOnly: true, sameSite: 'Lax' }]);
    const tabs: Page[] = [];
    for (const identity of ['ann', 'bob', 'bob', undefined, undefined]) {
      await signIn(identity ?? 'eve');
      const tab = await context.newPage();
      await tab.goto(site.url);
      await tab.evaluate((identity) => {
        page.seen = [];
        page.client = page.createSharedSSEClient({ endpoint: '/events', identity });
        page.client.onMessage(({ data }) => page.seen.push(data));
        page.client.connect();
      }, identity);
      await isOpen(tab);
      tabs.push(tab);
    }
    expect(site.open).toBe(4);
    for (const user of ['ann', 'bob', 'eve']) await site.sse.publish(`of ${user}`, user);
    const users = ['ann', 'bob', 'bob', 'eve', 'eve'];
    for (const [i, tab] of tabs.entries()) {
      await has(tab, `of ${users[i]}`);
      expect(await seen(tab)).toEqual([`of ${users[i]}`]);
    }
  });

  test('share without an identity where headers alone say who asks, and only if these are equal', async () => {
    const site = await createSite(await bundle);
    const context = await createContext();
    for (const name of ['ann', 'bob', 'ann']) {
      const tab = await context.newPage();
      await tab.goto(site.url);
      await tab.evaluate((name) => {
        const options = { endpoint: '/events', credentials: 'omit', headers: { 'x-user': name } } as const;
        page.client = page.createSharedSSEClient(options);
        page.client.connect();
      }, name);
      await isOpen(tab);
    }
    expect(site.open).toBe(2);
  });

  test.each(['navigator.locks', 'BroadcastChannel'])('where %s is missing each have a connection', async (missing) => {
    const site = await createSite(await bundle);
    const context = await createContext();
    const [name, owner] = missing.split('.').reverse();
    await context.addInitScript(`Object.defineProperty(${owner ?? 'window'}, '${name}', { value: undefined })`);
    const tabs = [];
    for (let n = 0; n < 2; n++) {
      const tab = await context.newPage();
      await tab.goto(site.url);
      await tab.evaluate(() => {
        page.seen = [];
        page.client = page.createSharedSSEClient({ endpoint: '/events', identity: 'ann' });
        page.client.onMessage(({ data }) => page.seen.push(data));
        page.client.connect();
      });
      await isOpen(tab);
      tabs.push(tab);
    }
    await site.sse.publish('hello', 'all');
    for (const tab of tabs) await has(tab, 'hello');
    expect(site.asked).toBe(2);
  });
});
