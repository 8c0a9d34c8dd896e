import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createSSEServer, type SSEServer } from 'tinysse';
import { EventSource } from 'tinysse/eventsource';
import { expect, onTestFinished, test, vi } from 'vitest';
import { describeWith, program } from '../programs.js';
import { FLAGS } from './site.js';

/** The whole of a page that knows of no gaps. It tells the test what it shows. */
const PAGE = `<!doctype html>
<ul></ul>
<script type="module">
  const list = document.querySelector('ul');
  const events = new EventSource('/events');
  events.addEventListener('tinysse:snapshot', () => list.replaceChildren());
  events.addEventListener('row', ({ data }) => {
    const [key, value] = data.split('=');
    document.getElementById(key)?.remove();
    if (!value) return;
    const row = list.appendChild(document.createElement('li'));
    row.id = key;
    row.textContent = data;
  });
  const shown = () => [...list.children].map((row) => row.textContent).sort().join();
  setInterval(() => fetch('/shown', { method: 'POST', body: shown() }), 50);
</script>`;

/** A server with rows, whose log can be lost, and whose snapshots can be cut half-way. */
async function createRows() {
  const rows = new Map([
    ['a', '1'],
    ['b', '1'],
  ]);
  const open = new Set<ServerResponse>();
  const counts = { snapshots: 0, cuts: 0 };
  let shown = '';
  const cut = () => open.forEach((response) => void response.destroy());
  async function* snapshot() {
    counts.snapshots++;
    for (const [i, [key, value]] of [...rows].entries()) {
      yield { event: 'row', data: `${key}=${value}` };
      if (i || counts.cuts >= 2) continue;
      // The row has left when the next turn begins; then the connection is lost.
      await new Promise((resolve) => setImmediate(resolve));
      counts.cuts++;
      cut();
    }
  }
  const make = (): SSEServer =>
    createSSEServer({
      channelProvider: { resolveChannels: () => ['rows'] },
      snapshot,
      retryMs: 20,
      historyReplayBuffer: 2,
      logger: () => {},
    });
  let sse: SSEServer = make();
  let away = false;
  const server = createServer(async (request, response) => {
    if (request.url === '/shown') {
      shown = await text(request);
      response.end();
    } else if (request.url !== '/events') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (away) response.destroy();
    else {
      open.add(response.on('close', () => open.delete(response)));
      await sse.handler(request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await sse.close({ drainMs: 1 });
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    counts,
    cut,
    state: () =>
      [...rows]
        .map((row) => row.join('='))
        .sort()
        .join(),
    shown: () => shown,
    async set(key: string, value: string) {
      if (value) rows.set(key, value);
      else rows.delete(key);
      await sse.publishEvent('row', `${key}=${value}`, 'rows');
    },
    restart() {
      void sse.close({ drainMs: 1 });
      sse = make();
    },
    away(is: boolean) {
      away = is;
      if (is) cut();
    },
  };
}

/** Puts a page through cuts within snapshots, a gap and a server that has lost its log. */
async function harm(server: Awaited<ReturnType<typeof createRows>>, shown: () => string): Promise<void> {
  const same = () => vi.waitFor(() => expect(shown()).toBe(server.state()), 30_000);
  await same();
  expect(server.counts).toEqual({ snapshots: 3, cuts: 2 });
  await server.set('c', '1');
  await server.set('a', '');
  await same();
  server.cut();
  await server.set('b', '2');
  await same();
  expect(server.counts.snapshots).toBe(3);
  server.away(true);
  for (const value of ['3', '4', '5', '']) await server.set('b', value);
  server.away(false);
  await same();
  expect(server.counts.snapshots).toBe(4);
  server.restart();
  await server.set('d', '1');
  await same();
  expect(server.counts.snapshots).toBe(5);
}

const LONGEST_MS = 90_000;

for (const [name, args] of [
  ['chromium', ['--headless', ...FLAGS.split(' ')]],
  ['firefox-esr', ['--headless', '--no-remote']],
] as const)
  describeWith([name], `in ${name}`, () => {
    test('a page without logic for gaps shows what the server has, whatever happens', {
      timeout: LONGEST_MS,
    }, async () => {
      const server = await createRows();
      const profile = mkdtempSync(join(tmpdir(), 'tinysse-page-'));
      const own = name === 'chromium' ? [`--user-data-dir=${profile}`] : ['--profile', profile];
      const browser = spawn(program(name)!, [...args, ...own, server.url], { stdio: 'ignore', detached: true });
      onTestFinished(() => {
        // Browsers are several processes: end their group.
        process.kill(-browser.pid!, 'SIGKILL');
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
      });
      await harm(server, server.shown);
    });
  });

test('with `tinysse/eventsource` too', { timeout: LONGEST_MS }, async () => {
  const server = await createRows();
  const rows = new Map<string, string>();
  const events = new EventSource(`${server.url}events`);
  onTestFinished(() => events.close());
  events.addEventListener('tinysse:snapshot', () => rows.clear());
  events.addEventListener('row', ({ data }) => {
    const [key, value] = data.split('=') as [string, string];
    if (value) rows.set(key, data);
    else rows.delete(key);
  });
  await harm(server, () => [...rows.values()].sort().join());
});
