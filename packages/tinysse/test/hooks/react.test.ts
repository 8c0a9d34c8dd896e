import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test, vi } from 'vitest';
import { createSite } from '../client/site.js';
import { describeWith } from '../programs.js';
import type { ListOptions, ListsProps } from './react-page.js';
import { Text } from './react-page.js';
import { bundlePage, has, holds, open, type Tab, withTabs } from './tabs.js';

const bundle = bundlePage(`export * from './react-page.ts'`);
declare const page: typeof import('./react-page.js');

describeWith(['chromium'], 'useSSE in React with StrictMode', () => {
  const openTab = withTabs();

  const show = (tab: Tab, props: ListsProps) => tab.evaluate((props) => page.show(props), props);
  /** The last result of a component; its error as an object that travels from page to test. */
  const result = (tab: Tab, n = 0) =>
    tab.evaluate((n) => {
      const { error, ...rest } = page.results[n]!;
      return { ...rest, error: error && { ...error } };
    }, n);

  test('gives 20 components one connection, which is closed with the last of them', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await show(tab, { count: 20 });
    await open(tab, 20);
    await site.sse.publish('first', 'all');
    await has(tab, 'first', 20);
    await show(tab, { count: 25 });
    await open(tab, 25);
    await site.sse.publish('second', 'all');
    await has(tab, 'second', 25);
    expect((await result(tab, 0)).data).toEqual(['first', 'second']);
    expect((await result(tab, 24)).data).toEqual(['second']);
    await show(tab, { count: 1 });
    await site.sse.publish('third', 'all');
    await has(tab, 'third');
    expect([site.asked, site.open]).toEqual([1, 1]);
    await tab.evaluate(() => page.render(null));
    await holds(site, 0);
    expect(site.asked).toBe(1);
    expect(tab.complaints).toEqual([]);
  });

  test('reduces every one of 1,000 events in far fewer renderings', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await show(tab, { count: 1 });
    await open(tab, 1);
    const before = await tab.evaluate(() => page.counts.renders);
    const events = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    await Promise.all(events.map((data) => site.sse.publish(data, 'all')));
    await has(tab, '999');
    expect((await result(tab)).data).toEqual(events);
    expect((await tab.evaluate(() => page.counts.renders)) - before).toBeLessThan(200);
    expect((await result(tab)).lastEventId).toBe(await site.sse.cursor());
  });

  test('moves to another URL, where it begins anew', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await show(tab, { count: 3 });
    await open(tab, 3);
    await site.sse.publish('of all', 'all');
    await has(tab, 'of all', 3);
    await show(tab, { count: 3, url: '/events?channel=other' });
    await has(tab, 'undefined', 3);
    await open(tab, 3);
    await holds(site, 1);
    await site.sse.publish('lost', 'all');
    await site.sse.publish('of other', 'other');
    await has(tab, 'of other', 3);
    expect((await result(tab)).data).toEqual(['of other']);
    expect(site.asked).toBe(2);
  });

  test('keeps the connection when a component takes the place of another', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await show(tab, { count: 1 });
    await open(tab, 1);
    await tab.evaluate(() => page.showInside({ count: 2 }));
    await open(tab, 2);
    await site.sse.publish('hello', 'all');
    await has(tab, 'hello', 2);
    expect([site.asked, site.open]).toEqual([1, 1]);
  });

  test('connects only while it is enabled, and goes on where it was', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await show(tab, { count: 2, options: { enabled: false } });
    await tab.waitForFunction(() => document.querySelectorAll('p').length === 2);
    expect((await result(tab)).status).toBe('closed');
    expect(site.asked).toBe(0);
    await show(tab, { count: 2 });
    await open(tab, 2);
    await site.sse.publish('one', 'all');
    await has(tab, 'one', 2);
    await show(tab, { count: 2, options: { enabled: false } });
    await holds(site, 0);
    expect(await result(tab)).toMatchObject({ status: 'closed', data: ['one'] });
    await site.sse.publish('two', 'all');
    await show(tab, { count: 2 });
    await has(tab, 'two', 2);
    expect((await result(tab, 1)).data).toEqual(['one', 'two']);
    expect([site.asked, site.open]).toEqual([2, 1]);
  });

  test('closes for one component; the others go on', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await show(tab, { count: 2 });
    await open(tab, 2);
    await tab.evaluate(() => page.results[0]!.close());
    await open(tab, 1);
    await site.sse.publish('hello', 'all');
    await has(tab, 'hello', 1);
    expect(await result(tab, 0)).toMatchObject({ status: 'closed', data: [] });
    await tab.evaluate(() => page.results[1]!.close());
    await holds(site, 0);
  });

  test('loses nothing while React hides the components', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    const activity = (mode: 'hidden' | 'visible') =>
      tab.evaluate((mode) => page.showActivity(mode, { count: 3 }), mode);
    await activity('visible');
    await open(tab, 3);
    await site.sse.publish('seen', 'all');
    await has(tab, 'seen', 3);
    await activity('hidden');
    await holds(site, 0);
    await site.sse.publish('unseen', 'all');
    await activity('visible');
    await has(tab, 'unseen', 3);
    expect((await result(tab)).data).toEqual(['seen', 'unseen']);
    expect([site.asked, site.open]).toEqual([2, 1]);
  });

  test('gives what is kept to a component that asks for it, however late it comes', async () => {
    const site = await createSite(await bundle);
    await site.sse.publish('one', 'all');
    await site.sse.publish('two', 'all');
    const tab = await openTab(site.url);
    const options = { lastEventId: 'earliest' };
    await show(tab, { count: 2, options });
    await has(tab, 'two', 2);
    await show(tab, { count: 3, options });
    await has(tab, 'two', 3);
    expect((await result(tab, 0)).data).toEqual(['one', 'two']);
    expect((await result(tab, 2)).data).toEqual(['one', 'two']);
    // Having caught up, it shares.
    await holds(site, 1);
    await site.sse.publish('three', 'all');
    await has(tab, 'three', 3);
    expect((await result(tab, 2)).data).toEqual(['one', 'two', 'three']);
  });

  test('calls the newest functions, and connects no more often because of them', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    const render = (n: number) =>
      tab.evaluate((n) => {
        const options: ListOptions = {
          reduce: (list, { data }) => [...list, `${data} in rendering ${n}`],
          onReset: () => page.seen.push(`reset in ${n}`),
          headers: () => ({ 'x-rendering': `${n}` }),
          fetch: (url, init) => {
            page.seen.push(`fetch of ${n} with ${new Headers(init.headers).get('x-rendering')}`);
            return fetch(url, init);
          },
        };
        page.show({ count: 1, options });
      }, n);
    for (let n = 1; n <= 5; n++) await render(n);
    await open(tab, 1);
    expect(site.asked).toBe(1);
    await site.sse.publish('a', 'all');
    await has(tab, 'a in rendering 5');
    site.cut();
    await vi.waitFor(() => expect(site.asked).toBe(2), 10_000);
    expect(await tab.evaluate(() => page.seen.at(-1))).toBe('fetch of 5 with 5');
  });

  test('shows errors until the stream is open again, and tells of resets', async () => {
    const site = await createSite(await bundle, 2);
    const tab = await openTab(site.url);
    await show(tab, { count: 1 });
    await open(tab, 1);
    await site.sse.publish('first', 'all');
    await has(tab, 'first');
    site.refuse(503);
    site.cut();
    await tab.waitForFunction(() => page.results[0]!.error?.code === 'HTTP_STATUS');
    expect((await result(tab)).error).toMatchObject({ status: 503, willRetry: true });
    for (let n = 0; n < 5; n++) await site.sse.publish(`${n}`, 'all');
    site.refuse(0);
    await has(tab, '4');
    expect(await result(tab)).toMatchObject({ data: ['first', '3', '4'], status: 'open', error: undefined });
    expect(await tab.evaluate(() => page.seen)).toEqual(['reset evicted']);
    site.refuse(403);
    site.cut();
    await tab.waitForFunction(() => page.results[0]!.status === 'closed');
    expect((await result(tab)).error).toMatchObject({ code: 'HTTP_STATUS', status: 403, willRetry: false });
    site.refuse(0);
    await show(tab, { count: 2 });
    await open(tab, 1);
    expect((await result(tab, 1)).status).toBe('open');
  });

  test('lets a reset replace the data, and reduces on from there', async () => {
    const site = await createSite(await bundle, 1);
    const tab = await openTab(site.url);
    await tab.evaluate(() => {
      const options: ListOptions = {
        onReset: ({ reason }, replace) => replace([`reloaded because ${reason}`]),
        lastEventId: 'of another server',
      };
      page.show({ count: 2, options });
    });
    await open(tab, 2);
    await has(tab, 'reloaded because unknown', 2);
    await site.sse.publish('then', 'all');
    await has(tab, 'then', 2);
    expect((await result(tab)).data).toEqual(['reloaded because unknown', 'then']);
  });

  test('takes the events that it is asked for; what the codec refuses is an error, and the stream goes on', async () => {
    const site = await createSite(await bundle);
    const tab = await openTab(site.url);
    await tab.evaluate(() => {
      const options = {
        codec: page.json,
        events: ['price'],
        onError: ({ code }: { code: string }) => page.seen.push(code),
      } as unknown as ListOptions;
      page.show({ count: 1, options });
    });
    await open(tab, 1);
    await site.sse.publishEvent('price', '{', 'all');
    await tab.waitForFunction(() => page.results[0]!.error?.code === 'VALIDATION');
    await site.sse.publish('{', 'all');
    await site.sse.publishEvent('price', '17', 'all');
    await has(tab, '17');
    expect((await result(tab)).data).toEqual([17]);
    expect(await tab.evaluate(() => page.seen)).toEqual(['VALIDATION']);
  });

  test('shares the connection with other tabs by createSharedSSEClient', async () => {
    const site = await createSite(await bundle);
    const first = await openTab(site.url);
    const second = await openTab(site.url, first);
    for (const tab of [first, second]) {
      await tab.evaluate(() => {
        const options = { createClient: page.createSharedSSEClient, identity: 'ann' };
        page.show({ count: 2, options });
      });
      await open(tab, 2);
    }
    await site.sse.publish('hello', 'all');
    for (const tab of [first, second]) await has(tab, 'hello', 2);
    expect(site.asked).toBe(1);
  });

  test('renders the initial state on a server, opens nothing there, and is hydrated without a mismatch', async () => {
    const site = await createSite(await bundle);
    const html = renderToString(createElement(Text, { url: `${site.url}events` }));
    expect(html).toBe('<b>connecting: nothing yet </b>');
    const tab = await openTab(site.url);
    expect(site.asked).toBe(0);
    await tab.evaluate((html) => page.hydrate(html, '/events'), html);
    const shows = (start: string) =>
      tab.waitForFunction((start) => document.querySelector('b')!.textContent!.startsWith(start), start);
    await shows('open');
    await site.sse.publish('hello', 'all');
    await shows('open: hello');
    expect(tab.complaints).toEqual([]);
    expect(site.asked).toBe(1);
  });
});
