import type { Plugin } from 'esbuild';
import { compile } from 'svelte/compiler';
import { get } from 'svelte/store';
import { type SSEReadable, useSSE } from 'tinysse/svelte';
import { expect, test, vi } from 'vitest';
import { createSite, type Site } from '../client/site.js';
import { describeWith } from '../programs.js';
import { bundlePage, has, holds, open, type Tab, withTabs } from './tabs.js';

/** Components as Svelte 5 (runes) and as Svelte 4 have them, which make a list of the data. */
const COMPONENTS: Record<string, string> = {
  runes: `
    <script>
      import { useSSE } from 'tinysse/svelte';
      let { url, n } = $props();
      const reduce = (list, { data }) => [...list, data];
      const onReset = ({ reason }) => page.seen.push('reset ' + reason);
      const events = $derived(useSSE(url, { initial: [], reduce, onReset, retryInterval: 20 }));
      $effect(() => { page.stores[n] = events; });
    </script>
    <p>{page.rendered()}{$events.status} {$events.data.length} {$events.data.at(-1)}</p>`,
  stores: `
    <script>
      import { useSSE } from 'tinysse/svelte';
      export let url;
      export let n;
      const reduce = (list, { data }) => [...list, data];
      $: events = page.stores[n] = useSSE(url, { initial: [], reduce });
    </script>
    <p>{page.rendered()}{$events.status} {$events.data.length} {$events.data.at(-1)}</p>`,
  list: `
    <script>
      export let Item;
      export let count;
      export let url;
    </script>
    {#each { length: count } as _, n}<Item {n} {url} />{/each}`,
};

const svelte: Plugin = {
  name: 'svelte',
  setup(build) {
    build.onResolve({ filter: /\.svelte$/ }, ({ path }) => ({ path, namespace: 'svelte' }));
    build.onLoad({ filter: /./, namespace: 'svelte' }, ({ path }) => ({
      contents: compile(COMPONENTS[path.replace('.svelte', '')]!, { filename: path, generate: 'client', dev: true }).js
        .code,
      resolveDir: import.meta.dirname,
    }));
  },
};

const bundle = bundlePage(
  `
  export { mount, unmount } from 'svelte';
  export { writable } from 'svelte/store';
  export { default as runes } from 'runes.svelte';
  export { default as stores } from 'stores.svelte';
  export { default as list } from 'list.svelte';
  export { createClassComponent } from 'svelte/legacy';
  export { useSSE } from 'tinysse/svelte';
`,
  [svelte],
);

declare const page: {
  createClassComponent: typeof import('svelte/legacy').createClassComponent;
  list: never;
  runes: never;
  stores: Record<number, SSEReadable<string[]>>;
  app: { $set(props: object): void; $destroy(): void };
  seen: string[];
  renders: number;
};

describeWith(['chromium'], 'useSSE in Svelte', () => {
  const openTab = withTabs();

  async function visit(site: Site, kind: 'runes' | 'stores', count: number): Promise<Tab> {
    const tab = await openTab(site.url);
    await tab.evaluate(
      ([kind, count]) => {
        const components = page as unknown as Record<string, never>;
        const Item = components[kind]!;
        const rendered = () => {
          page.renders++;
          return '';
        };
        Object.assign(window, { page: { ...page, stores: {}, seen: [], renders: 0, rendered } });
        page.app = page.createClassComponent({
          component: page.list,
          target: document.body.appendChild(document.createElement('main')),
          props: { Item, count, url: '/events' },
        });
      },
      [kind, count] as const,
    );
    return tab;
  }
  /** What a store has, its error as an object that travels from page to test. */
  const state = (tab: Tab, n = 0) =>
    tab.evaluate((n) => {
      let state: object = {};
      page.stores[n]!.subscribe((now) => {
        state = { ...now, error: now.error && { ...now.error } };
      })();
      return state;
    }, n);

  test.each(['runes', 'stores'] as const)(
    'gives 20 components with %s one connection, which is closed with the last of them',
    async (kind) => {
      const site = await createSite(await bundle);
      const tab = await visit(site, kind, 20);
      await open(tab, 20);
      await site.sse.publish('first', 'all');
      await has(tab, 'first', 20);
      await tab.evaluate(() => page.app.$set({ count: 1 }));
      await site.sse.publish('second', 'all');
      await has(tab, 'second');
      expect(await state(tab)).toMatchObject({ data: ['first', 'second'], status: 'open' });
      expect([site.asked, site.open]).toEqual([1, 1]);
      await tab.evaluate(() => page.app.$destroy());
      await holds(site, 0);
      expect(tab.complaints).toEqual([]);
    },
  );

  test('reduces every one of 1,000 events in far fewer renderings', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site, 'runes', 1);
    await open(tab, 1);
    const events = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    await Promise.all(events.map((data) => site.sse.publish(data, 'all')));
    await has(tab, '999');
    expect(await state(tab)).toMatchObject({ data: events });
    expect(await tab.evaluate(() => page.renders)).toBeLessThan(200);
  });

  test.each(['runes', 'stores'] as const)('moves to another URL in a component with %s', async (kind) => {
    const site = await createSite(await bundle);
    const tab = await visit(site, kind, 2);
    await open(tab, 2);
    await tab.evaluate(() => page.app.$set({ url: '/events?channel=other' }));
    await vi.waitFor(() => expect(site.asked).toBe(2), 10_000);
    await open(tab, 2);
    await holds(site, 1);
    await site.sse.publish('lost', 'all');
    await site.sse.publish('of other', 'other');
    await has(tab, 'of other', 2);
    expect(await state(tab)).toMatchObject({ data: ['of other'] });
  });

  test('is turned off and on, and goes on where it was', async () => {
    const site = await createSite(await bundle);
    const tab = await visit(site, 'runes', 1);
    await open(tab, 1);
    await tab.evaluate(() => page.stores[0]!.enable(false));
    await holds(site, 0);
    await site.sse.publish('meanwhile', 'all');
    await tab.evaluate(() => page.stores[0]!.enable(true));
    await has(tab, 'meanwhile');
    await tab.evaluate(() => page.stores[0]!.close());
    await holds(site, 0);
    expect(await state(tab)).toMatchObject({ status: 'closed', data: ['meanwhile'] });
  });

  test('shows errors until the stream is open again, and tells of resets', async () => {
    const site = await createSite(await bundle, 2);
    const tab = await visit(site, 'runes', 1);
    await open(tab, 1);
    await site.sse.publish('first', 'all');
    await has(tab, 'first');
    site.refuse(503);
    site.cut();
    await vi.waitFor(async () => expect(await state(tab)).toMatchObject({ error: { status: 503 } }), 10_000);
    for (let n = 0; n < 5; n++) await site.sse.publish(`${n}`, 'all');
    site.refuse(0);
    await has(tab, '4');
    expect(await state(tab)).toMatchObject({ data: ['first', '3', '4'], error: undefined });
    expect(await tab.evaluate(() => page.seen)).toEqual(['reset evicted']);
  });

  test('opens nothing on a server', async () => {
    const site = await createSite('');
    const events = useSSE(`${site.url}events`, { initial: 'nothing yet' });
    expect(get(events)).toEqual({ data: 'nothing yet', status: 'connecting', error: undefined, lastEventId: '' });
    await site.sse.publish('hello', 'all');
    expect(site.asked).toBe(0);
  });
});
