import type { Socket } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { SSEServer, SSEServerOptions } from 'tinysse';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { describeWith, program } from '../programs.js';
import { closeNow, listen, unbound } from './parts.js';
import { open } from './stream.js';

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** What a page has seen, as text: `open`, `error` with the EventSource's state, the data of messages. */
type Seen = string[];

const PAGE = `<!doctype html><title>test</title><script>
  const seen = [];
  const source = new EventSource('/events');
  source.onopen = () => seen.push('open');
  source.onerror = () => seen.push('error ' + source.readyState);
  source.onmessage = ({ data }) => seen.push(data);
  source.addEventListener('tinysse:position', ({ lastEventId }) => seen.push('position ' + lastEventId));
</script>`;

/** A server with a page that subscribes by a native EventSource. */
async function startSite(options: SSEServerOptions = {}, port?: number) {
  // Clients are told to come back after the shortest time of each range.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => void vi.restoreAllMocks());
  const { sse } = unbound({ channelProvider: { resolveChannels: () => ['all'] }, ...options });
  const sockets = new Set<Socket>();
  const running = await listen((req, res) => {
    if (req.url !== '/events') return void res.setHeader('content-type', 'text/html').end(PAGE);
    sockets.add(req.socket);
    return sse.handler(req, res);
  }, port);
  return { sse, ...running, cut: () => sockets.forEach((socket) => void socket.destroy()) };
}

describeWith(['chromium'], 'a native EventSource', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program('chromium') as string, args: FLAGS.split(' ') });
  });
  afterAll(() => browser?.close());

  async function visit(url: string): Promise<Page> {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(url);
    return page;
  }

  const has = (page: Page, text: string) =>
    page.waitForFunction(`seen.some((s) => s.startsWith(${JSON.stringify(text)}))`);
  const seen = (page: Page) => page.evaluate<Seen>('seen');

  async function receives(sse: SSEServer, page: Page, data: string): Promise<void> {
    await has(page, 'position');
    await sse.publish(data, 'all');
    await has(page, data);
  }

  test('comes back by itself when the server was full', async () => {
    const { sse, url } = await startSite({ limits: { clients: 1 } });
    const first = await open(`${url}/events`);
    const page = await visit(url);
    await has(page, 'error 0');
    first.leave();
    await receives(sse, page, 'welcome');
    expect(await seen(page)).toEqual(['open', 'error 0', 'open', expect.stringMatching(/^position/), 'welcome']);
  });

  test('comes back by itself when the provider had an outage', async () => {
    let works = false;
    const { sse, url } = await startSite({
      channelProvider: { resolveChannels: () => (works ? ['all'] : Promise.reject(new TypeError('down'))) },
    });
    const page = await visit(url);
    await has(page, 'error 0');
    works = true;
    await receives(sse, page, 'welcome');
  });

  test('comes back by itself when a server was drained and another took its port', async () => {
    const first = await startSite();
    const page = await visit(first.url);
    await receives(first.sse, page, 'from the first');
    await Promise.all([first.sse.close(), has(page, 'error 0')]);
    await closeNow(first.http);
    const second = await startSite({}, first.port);
    await page.waitForFunction(`seen.filter((s) => s.startsWith('position')).length === 2`);
    await receives(second.sse, page, 'from the second');
  });

  test('that is cut before its first event loses nothing', async () => {
    const { sse, url, cut } = await startSite({ retryMs: 100 });
    await sse.publish('before', 'all');
    const page = await visit(url);
    await has(page, 'position');
    cut();
    await sse.publish('missed', 'all');
    await has(page, 'missed');
    await receives(sse, page, 'then');
    const events = (await seen(page)).filter((what) => !/^(open|error|position)/.test(what));
    expect(events).toEqual(['missed', 'then']);
  });

  test('that is cut again and again gets every event once, in order', async () => {
    const { sse, url, cut } = await startSite({ retryMs: 2 });
    const page = await visit(url);
    await has(page, 'position');
    for (let n = 0; n < 100; n++) {
      await sse.publish(`event ${n}.`, 'all');
      if (n % 20 === 10) {
        await has(page, `event ${n - 5}.`);
        cut();
      }
    }
    await has(page, 'event 99.');
    const events = (await seen(page)).filter((what) => what.startsWith('event'));
    expect(events).toEqual(Array.from({ length: 100 }, (_, n) => `event ${n}.`));
  });

  test('is not fooled by data that looks like fields', async () => {
    const { sse, url } = await startSite();
    const page = await visit(url);
    await has(page, 'position');
    await sse.publish('a\rid: 666\r\revent: tinysse:position\rdata: owned', 'all');
    await receives(sse, page, 'then');
    expect((await seen(page)).slice(2)).toEqual(['a\nid: 666\n\nevent: tinysse:position\ndata: owned', 'then']);
    expect(await page.evaluate('source.readyState')).toBe(1);
  });

  test('that is refused gives up', async () => {
    const { url } = await startSite({
      channelProvider: { resolveChannels: () => Promise.reject(new Error('sign in')) },
    });
    const page = await visit(url);
    await has(page, 'error 2');
  });
});
