import { type SSERefs, useSSE } from 'tinysse/vue';
import { expect, test } from 'vitest';
import { createSSRApp, h } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { createSite, type Site } from '../client/site.js';
import { describeWith } from '../programs.js';
import { bundlePage, has, holds, open, type Tab, withTabs } from './tabs.js';

const bundle = bundlePage(`
  export * as Vue from 'vue';
  export { useSSE } from 'tinysse/vue';
`);

declare const page: {
  Vue: typeof import('vue');
  useSSE: typeof import('tinysse/vue').useSSE;
  count: import('vue').Ref<number>;
  url: import('vue').Ref<string>;
  enabled: import('vue').Ref<boolean>;
  results: Record<number, SSERefs<string[]>>;
  renders: number;
  seen: string[];
};

describeWith(['chromium'], 'useSSE in Vue', () => {
  const openTab = withTabs();

  /** A page with components that make lists of the data; refs say how many, of which URL, and whether they are enabled. */
  async function visit(site: Site, count: number, enabled = true): Promise<Tab> {
    const tab = await openTab(site.url);
    await tab.evaluate(
      ([count, enabled]) => {
        const { createApp, h, ref } = page.Vue;
        const state = { count: ref(count), url: ref('/events'), enabled: ref(enabled) };
        Object.assign(window, { page: { ...page, ...state, results: {}, renders: 0, seen: [] } });
        const List = {
          props: ['n'],
          setup({ n }: { n: number }) {
            const result = page.useSSE(page.url, {
              enabled: () => page.enabled.value,
              initial: [] as string[],
              reduce: (list: string[], { data }) => [...list, data],
              onReset: ({ reason }) => page.seen.push(`reset ${reason}`),
              retryInterval: 20,
            });
            page.results[n] = result;
            return () => {
              page.renders++;
              return h('p', `${result.status.value} ${result.data.value.length} ${result.data.value.at(-1)}`);
            };
          },
        };
        createApp(() => Array.from({ length: page.count.value }, (_, n) => h(List, { key: n, n }))).mount(
          document.body.appendChild(document.createElement('main')),
        );
      },
      [count, enabled] as const,
    );
    return tab;
  }
  const data = (tab: Tab, n = 0) => tab.evaluate((n) => [...page.results[n]!.data.value], n);

  test('gives 20 components one connection, which is closed with the last of them', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site, 20);
    await open(tab, 20);
    await site.sse.publish('first', 'all');
    await has(tab, 'first', 20);
    await tab.evaluate(() => void (page.count.value = 1));
    await site.sse.publish('second', 'all');
    await has(tab, 'second');
    expect(await data(tab)).toEqual(['first', 'second']);
    expect([site.asked, site.open]).toEqual([1, 1]);
    await tab.evaluate(() => void (page.count.value = 0));
    await holds(site, 0);
    expect(tab.complaints).toEqual([]);
  });

  test('reduces every one of 1,000 events in far fewer renderings', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site, 1);
    await open(tab, 1);
    const events = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    await Promise.all(events.map((data) => site.sse.publish(data, 'all')));
    await has(tab, '999');
    expect(await data(tab)).toEqual(events);
    expect(await tab.evaluate(() => page.renders)).toBeLessThan(200);
  });

  test('follows refs of the URL and of whether it is enabled', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site, 2, false);
    await tab.waitForFunction(() => document.querySelectorAll('p').length === 2);
    expect(site.asked).toBe(0);
    await tab.evaluate(() => void (page.enabled.value = true));
    await open(tab, 2);
    await site.sse.publish('one', 'all');
    await has(tab, 'one', 2);
    await tab.evaluate(() => void (page.enabled.value = false));
    await holds(site, 0);
    await site.sse.publish('two', 'all');
    await tab.evaluate(() => void (page.enabled.value = true));
    await has(tab, 'two', 2);
    expect(await data(tab)).toEqual(['one', 'two']);
    await tab.evaluate(() => void (page.url.value = '/events?channel=other'));
    await has(tab, 'undefined', 2);
    await open(tab, 2);
    await holds(site, 1);
    await site.sse.publish('three', 'other');
    await has(tab, 'three', 2);
    expect(await data(tab)).toEqual(['three']);
    expect(site.asked).toBe(3);
  });

  test('shows errors until the stream is open again, tells of resets, and closes', async () => {
    const site = await createSite(await bundle, 2);
    const tab = await visit(site, 1);
    await open(tab, 1);
    await site.sse.publish('first', 'all');
    await has(tab, 'first');
    site.refuse(503);
    site.cut();
    await tab.waitForFunction(() => page.results[0]!.error.value?.status === 503);
    for (let n = 0; n < 5; n++) await site.sse.publish(`${n}`, 'all');
    site.refuse(0);
    await has(tab, '4');
    expect(await data(tab)).toEqual(['first', '3', '4']);
    expect(await tab.evaluate(() => page.seen)).toEqual(['reset evicted']);
    expect(await tab.evaluate(() => page.results[0]!.error.value)).toBeUndefined();
    await tab.evaluate(() => page.results[0]!.close());
    await holds(site, 0);
    expect(await tab.evaluate(() => page.results[0]!.status.value)).toBe('closed');
  });

  test('renders the initial state on a server, opens nothing there, and is hydrated without a mismatch', async () => {
    const site = await createSite(await bundle);
    const html = await renderToString(
      createSSRApp({
        setup() {
          const { data, status } = useSSE(`${site.url}events`, { initial: 'nothing yet' });
          return () => h('b', { id: 'app' }, `${status.value}: ${data.value}`);
        },
      }),
    );
    expect(html).toBe('<b id="app">connecting: nothing yet</b>');
    const tab = await openTab(site.url);
    expect(site.asked).toBe(0);
    await tab.evaluate((html) => {
      const { createSSRApp, h } = page.Vue;
      const main = document.body.appendChild(document.createElement('main'));
      main.innerHTML = html;
      createSSRApp({
        setup() {
          const { data, status } = page.useSSE('/events', { initial: 'nothing yet' });
          return () => h('b', { id: 'app' }, `${status.value}: ${data.value}`);
        },
      }).mount(main);
    }, html);
    await tab.waitForFunction(() => document.querySelector('#app')!.textContent!.startsWith('open'));
    await site.sse.publish('hello', 'all');
    await tab.waitForFunction(() => document.querySelector('#app')!.textContent === 'open: hello');
    expect(tab.complaints).toEqual([]);
    expect(site.asked).toBe(1);
  });
});
