import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { SSEClient, SSEClientOptions } from '../../src/client/index.js';
import { describeWith, program } from '../programs.js';
import { at, createSource, frame, position } from './source.js';

declare const page: {
  createSSEClient(options: SSEClientOptions): SSEClient;
  createSharedSSEClient(options: SSEClientOptions): SSEClient;
  client: SSEClient;
  seen: string[];
};

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A site of one page that has the client as `page`; `/events` goes through to `target`, so that it is of the same origin. */
async function createSite(target: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'page',
  });
  const script = outputFiles[0]!.text;
  const server = http.createServer((request, response) => {
    if (request.url!.startsWith('/events')) {
      const { headers, url } = request;
      const onward = http.request(new URL(url!, target), { headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        pipeline(answer, response, () => {});
      });
      response.on('close', () => onward.destroy());
      onward.on('error', () => response.destroy()).end();
      return;
    }
    response
      .setHeader('content-type', 'text/html')
      .end(`<!doctype html><script>${script}\npage = { ...page, seen: [] }</script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describeWith(['chromium'], 'in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program('chromium')!, headless: true, args: FLAGS });
  });
  afterAll(() => browser?.close());

  /** A page whose client listens at `endpoint` and keeps what it hears in `page.seen`. */
  async function open(site: string, endpoint: string, retryInterval = 10) {
    const tab = await browser.newPage();
    onTestFinished(() => tab.close());
    await tab.goto(site);
    await tab.evaluate(
      ([endpoint, retryInterval]) => {
        page.client = page.createSSEClient({ endpoint, retryInterval });
        page.client.onMessage(({ data }) => page.seen.push(data));
        page.client.connect();
      },
      [endpoint, retryInterval] as const,
    );
    const isIn = (state: string) =>
      vi.waitFor(async () => expect(await tab.evaluate(() => page.client.state)).toBe(state));
    return { tab, seen: () => tab.evaluate(() => page.seen), isIn };
  }

  test('messages arrive, and a relative endpoint goes on after a lost stream by header', async () => {
    const source = await createSource();
    const { seen } = await open(await createSite(source.url), '/events');
    const first = (await source.next()).open(position(0) + frame(1, 'é日😀'));
    await vi.waitFor(async () => expect(await seen()).toEqual(['é日😀']));
    first.response.destroy();
    const second = await source.next();
    expect(second.request).toMatchObject({ url: '/events', headers: { 'last-event-id': at(1) } });
    second.open(position(1) + frame(1) + frame(2));
    await vi.waitFor(async () => expect(await seen()).toEqual(['é日😀', 'm2']));
  });

  test('another origin gets the cursor in the query, and no preflight', async () => {
    const source = await createSource();
    const { seen, tab } = await open(await createSite(source.url), `${source.url}?channel=a`);
    (await source.next()).open(position(0) + frame(1)).end();
    const second = await source.next();
    expect(second.request).toMatchObject({ method: 'GET', url: `/events?lastEventId=${at(1)}&channel=a` });
    expect(second.request.headers).not.toHaveProperty('last-event-id');
    second.open(frame(2));
    await vi.waitFor(async () => expect(await seen()).toEqual(['m1', 'm2']));
    await tab.evaluate(() => page.client.close());
    await second.gone;
    expect(source.count).toBe(2);
  });

  test('a loop takes messages, and leaving it ends the request', async () => {
    const source = await createSource();
    const site = await createSite(source.url);
    const { tab } = await open(site, '/events');
    await tab.evaluate(() => page.client.close());
    const connection = await source.next();
    await connection.gone;
    const loop = tab.evaluate(async () => {
      for await (const { data } of page.client) return data;
    });
    const again = (await source.next()).open(frame(1));
    expect(await loop).toBe('m1');
    await again.gone;
  });

  test('the network that comes back ends the wait at once', async () => {
    const source = await createSource();
    const { tab, seen, isIn } = await open(await createSite(source.url), '/events', 3_600_000);
    const first = (await source.next()).open(position(0) + frame(1));
    await vi.waitFor(async () => expect(await seen()).toEqual(['m1']));
    await tab.context().setOffline(true);
    first.response.destroy();
    await isIn('waiting');
    await tab.context().setOffline(false);
    const second = await source.next();
    expect(second.request.headers['last-event-id']).toBe(at(1));
    second.open(position(1) + frame(2));
    await vi.waitFor(async () => expect(await seen()).toEqual(['m1', 'm2']));
  });

  test('a page that is seen again ends the wait at once', async () => {
    const source = await createSource();
    const { tab, isIn } = await open(await createSite(source.url), '/events', 3_600_000);
    const first = (await source.next()).open(position(0));
    await isIn('open');
    // A headless browser hides no page: the event is of the test's making, as the browser makes it.
    const see = (hidden: boolean) =>
      tab.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
        return page.client.state;
      }, hidden);
    first.response.destroy();
    await isIn('waiting');
    expect(await see(true)).toBe('waiting');
    expect(await see(false)).toBe('connecting');
    (await source.next()).open(position(0));
    await isIn('open');
    expect(await see(false)).toBe('open');
  });

  test('tabs that share a connection end its wait when one of them is seen again', async () => {
    const source = await createSource();
    const site = await createSite(source.url);
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const isIn = (tab: Page, state: string) => tab.waitForFunction((state) => page.client.state === state, state);
    const [leader, other] = [await context.newPage(), await context.newPage()];
    for (const tab of [leader, other]) {
      await tab.goto(site);
      await tab.evaluate(() => {
        page.client = page.createSharedSSEClient({ endpoint: '/events', identity: 'ann', retryInterval: 3_600_000 });
        page.client.connect();
      });
      if (tab === leader) (await source.next()).refuse(503);
      await isIn(tab, 'waiting');
    }
    await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
    (await source.next()).open(position(0));
    await Promise.all([isIn(leader, 'open'), isIn(other, 'open')]);
  });
});
