import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { memoryLog } from 'tinysse';
import { createSSEClient } from 'tinysse/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Built, GO_BUILD_MS } from '../../../tinysse/test/go.js';
import { describeWith } from '../../../tinysse/test/programs.js';
import { launch } from '../browser.js';
import { buildClient, buildServer, type Peer, startGo, startHubPeer, startLibrary } from './peers.js';
import { dataOf, PUBLISHES } from './publishes.js';
import { got, messages, startSite, visit } from './site.js';

describeWith(['go', 'chromium'], 'the Go client of interop/ in Chromium', () => {
  let browser: Browser;
  let client: Built;
  let server: Built;
  beforeAll(async () => {
    [client, server] = [await buildClient(), await buildServer()];
    browser = await launch();
  }, 2 * GO_BUILD_MS);
  afterAll(async () => {
    await browser?.close();
    await client?.remove();
    await server?.remove();
  });

  /** A page with the client that has heard the server. */
  async function open(peer: Peer) {
    const site = await startSite(client);
    site.target = peer.url;
    const page = await visit(browser, site);
    for (let joined = false; !joined; ) {
      await peer.publish({ data: 'joined' });
      joined = (await messages(page)).length > 0;
    }
    await page.evaluate('errors.length = 0');
    const heard = async () => (await messages(page)).filter(({ data }) => data !== 'joined');
    return { site, page, heard };
  }

  const starts: [string, () => Promise<Peer>, RegExp][] = [
    ['the library', startLibrary, /^[0-9a-f]{16}-\d+$/],
    ['tinysse-hub', startHubPeer, /^[0-9a-f]{16}-\d+$/],
    ['the Go server of interop/', () => startGo(server), /^\d+$/],
  ];

  test.each(starts)('gets from %s the unnamed events and nothing else', async (_, start, id) => {
    const peer = await start();
    const { page, heard } = await open(peer);
    for (const [, what] of PUBLISHES) await peer.publish(what);
    await peer.publish({ data: 'end' });
    await got(page, 'end');
    const unnamed = PUBLISHES.filter(([, { event }]) => event === undefined).map(([, what]) => dataOf(what));
    const seen = await heard();
    expect(seen.map(({ type, data }) => [type, data])).toEqual([...unnamed, 'end'].map((data) => ['message', data]));
    for (const { lastEventId } of seen) expect(lastEventId).toMatch(id);
    expect(await page.evaluate('errors')).toEqual([]);
  });

  const restarts: [string, () => Promise<{ peer: Peer; stop(): Promise<unknown>; again(): Promise<Peer> }>][] = [
    [
      'the library',
      async () => {
        const log = memoryLog(); // It outlives the server, as one on disk outlives the process.
        const peer = await startLibrary({ log });
        return { peer, stop: peer.close, again: () => startLibrary({ log }) };
      },
    ],
    [
      'tinysse-hub, killed',
      async () => {
        const data = await mkdtemp(join(tmpdir(), 'tinysse-hub-'));
        onTestFinished(() => rm(data, { recursive: true, force: true }));
        const peer = await startHubPeer(['--data-dir', data]);
        return { peer, stop: () => peer.hub.program.end(), again: () => startHubPeer(['--data-dir', data]) };
      },
    ],
  ];

  test.each(restarts)('goes on after a restart of %s with the id that the browser kept', async (_, start) => {
    const { peer, stop, again } = await start();
    const { site, page, heard } = await open(peer);
    await peer.publish({ data: 'before' });
    await got(page, 'before');
    site.target = undefined;
    await stop();
    await page.waitForFunction('errors.length > 0');
    const next = await again();
    await next.publish({ data: 'missed' });
    site.target = next.url;
    await got(page, 'missed');
    await next.publish({ data: 'then' });
    await got(page, 'then');
    const seen = await heard();
    expect(seen.map(({ data }) => data)).toEqual(['before', 'missed', 'then']);
    expect(site.asked.at(-1)).toBe(seen[0]!.lastEventId);
    expect(new Set(await page.evaluate<number[]>('errors'))).toEqual(new Set([0]));
  });

  test('that comes from a Go server gets all that ours retains, old events again, and hears of no reset', async () => {
    const { site, page, heard } = await open(await startGo(server));
    const ours = await startLibrary({ retryMs: 100 });
    await ours.publish({ data: 'old' });
    site.target = ours.url;
    site.cut();
    await got(page, 'old');
    expect(site.asked.at(-1)).toMatch(/^\d+$/);
    // A retry of the browser's own brings the cursor of ours, and nothing twice.
    site.cut();
    await ours.publish({ data: 'new' });
    await got(page, 'new');
    expect((await heard()).map(({ type, data }) => [type, data])).toEqual([
      ['message', 'old'],
      ['message', 'new'],
    ]);
  });

  test('begins anew after an answer that makes the browser give up; our client keeps its cursor', async () => {
    const peer = await startLibrary({ retryMs: 100 });
    const { site, page, heard } = await open(peer);
    const ours = createSSEClient({ endpoint: `${site.url}events?channel=a`, retryInterval: 10, maxRetryDelay: 100 });
    onTestFinished(() => ours.close());
    const seen: string[] = [];
    ours.onMessage(({ data }) => seen.push(data));
    ours.connect();
    await vi.waitFor(() => expect(ours.state).toBe('open'));
    await peer.publish({ data: 'before' });
    await got(page, 'before');
    await vi.waitFor(() => expect(seen).toEqual(['before']));
    const cursor = ours.lastEventId;

    site.refusal = 503;
    site.asked.length = 0;
    site.cut();
    await page.waitForFunction('errors.includes(EventSource.CLOSED)');
    await peer.publish({ data: 'missed' });
    site.refusal = undefined;
    await vi.waitFor(() => expect(seen).toEqual(['before', 'missed']));
    for (let back = false; !back; back = (await heard()).some(({ data }) => data === 'then'))
      await peer.publish({ data: 'then' });
    expect((await heard()).map(({ data }) => data)).not.toContain('missed');
    expect(site.asked).toContain(undefined);
    expect(site.asked).toContain(cursor);
  });

  test('takes a lone CR in data for the end of a field on the Go server; ours lets none through', async () => {
    const injection = { data: 'text\rid: forged' };
    const outcome = async (peer: Peer) => {
      const { page, heard } = await open(peer);
      await peer.publish(injection);
      await peer.publish({ data: 'end' });
      await got(page, 'end');
      return (await heard())[0];
    };
    expect(await outcome(await startGo(server))).toMatchObject({ data: 'text', lastEventId: 'forged' });
    const safe = await outcome(await startLibrary());
    expect(safe).toMatchObject({ data: 'text\nid: forged', lastEventId: expect.stringMatching(/-\d+$/) });
  });
});
