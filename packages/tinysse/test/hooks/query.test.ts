import { expect, test } from 'vitest';
import { createSite, type Site } from '../client/site.js';
import { describeWith } from '../programs.js';
import { bundlePage, holds, type Tab, withTabs } from './tabs.js';

const bundle = bundlePage(`export * from './query-page.ts'`);
declare const page: typeof import('./query-page.js');

describeWith(['chromium'], "a client in TanStack Query's streamedQuery", () => {
  const openTab = withTabs();

  const last = (tab: Tab, data: string) => tab.waitForFunction((data) => page.data().at(-1) === data, data);
  const idle = (tab: Tab) => tab.waitForFunction(() => page.observer.getCurrentResult().fetchStatus === 'idle');
  const data = (tab: Tab) => tab.evaluate(() => page.data());
  /** A page whose list has one message. */
  async function visit(site: Site): Promise<Tab> {
    const tab = await openTab(site.url);
    await tab.evaluate(() => page.watch());
    await site.sse.publish('first', 'all');
    await last(tab, 'first');
    return tab;
  }

  test('makes a list that is capped', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site);
    const events = Array.from({ length: 100 }, (_, n) => `${n}`);
    await Promise.all(events.map((event) => site.sse.publish(event, 'all')));
    await last(tab, '99');
    expect(await data(tab)).toEqual(events.slice(-20));
    expect(tab.complaints).toEqual([]);
  });

  test('goes on undisturbed when the window is focused', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site);
    await tab.evaluate(() => page.focus());
    await site.sse.publish('second', 'all');
    await last(tab, 'second');
    expect(await data(tab)).toEqual(['first', 'second']);
    expect(site.asked).toBe(1);
  });

  test('that has ended goes on after the last message when the window is focused', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site);
    site.refuse(204);
    site.cut();
    await idle(tab);
    await site.sse.publish('missed', 'all');
    site.refuse(0);
    await tab.evaluate(() => page.focus());
    await last(tab, 'missed');
    await site.sse.publish('then', 'all');
    await last(tab, 'then');
    expect(await data(tab)).toEqual(['first', 'missed', 'then']);
    expect(site.open).toBe(1);
  });

  test('keeps the list, whole and in order, when it is refetched in the middle of events', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site);
    for (let n = 0; n < 10; n++) {
      await site.sse.publish(`${n}`, 'all');
      if (n % 3 === 0) await tab.evaluate(() => void page.observer.refetch());
    }
    await last(tab, '9');
    expect(await data(tab)).toEqual(['first', ...Array.from({ length: 10 }, (_, n) => `${n}`)]);
    await holds(site, 1);
  });

  test('is closed when nobody watches, and goes on when somebody does again', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site);
    await tab.evaluate(() => page.unwatch());
    await holds(site, 0);
    await site.sse.publish('missed', 'all');
    await tab.evaluate(() => page.watch());
    await last(tab, 'missed');
    expect(await data(tab)).toEqual(['first', 'missed']);
    expect(tab.complaints).toEqual([]);
  });

  test('that is refused gives its error to the query, which keeps its list', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site);
    site.refuse(403);
    site.cut();
    await idle(tab);
    const error = await tab.evaluate(() => ({ ...page.observer.getCurrentResult().error }));
    expect(error).toMatchObject({ code: 'HTTP_STATUS', status: 403 });
    expect(await data(tab)).toEqual(['first']);
  });
});
