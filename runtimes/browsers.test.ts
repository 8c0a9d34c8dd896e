import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith, program } from '../packages/tinysse/test/programs.js';
import { deviations, expectAll, LONGEST_MS } from './expect.js';
import { runPage } from './run.js';
import { nativeSuites, suites } from './suites.mjs';

describeWith(['chromium'], 'in Chromium', () => {
  test(
    'every suite passes, and its own EventSource the standard ones',
    async () =>
      expectAll(
        await runPage(program('chromium')!, 'page.mjs', { ONLY_NATIVE: 'false' }),
        { ...nativeSuites, ...suites },
        deviations.chromium,
      ),
    LONGEST_MS,
  );
});

describeWith(['firefox-esr'], 'in Firefox', () => {
  test(
    'its own EventSource passes the standard suites',
    async () =>
      expectAll(
        await runPage(program('firefox-esr')!, 'page.mjs', { ONLY_NATIVE: 'true' }),
        nativeSuites,
        deviations.firefox,
      ),
    LONGEST_MS,
  );
});

/**
 * Another origin. Below `/allows` it allows every header, below `/refuses` it knows no preflight. Each of its streams
 * brings one event with the id of the parameter `id`: what the server has seen, `{ header, query, preflights }`.
 */
async function createAbroad(): Promise<string> {
  const preflights: Record<string, number> = {};
  const server = createServer(({ url, method, headers }, response) => {
    const { pathname, searchParams } = new URL(url!, 'http://127.0.0.1');
    response.setHeader('access-control-allow-origin', '*');
    if (method === 'OPTIONS') {
      preflights[pathname] = (preflights[pathname] ?? 0) + 1;
      if (pathname.startsWith('/allows')) response.setHeader('access-control-allow-headers', '*');
      return void response.writeHead(pathname.startsWith('/allows') ? 204 : 405).end();
    }
    const seen = {
      header: headers['last-event-id'] ?? null,
      query: searchParams.get('lastEventId'),
      preflights: preflights[pathname] ?? 0,
    };
    response.setHeader('content-type', 'text/event-stream');
    response.end(`retry: 100\nid: ${searchParams.get('id')}\ndata: ${JSON.stringify(seen)}\n\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const browser of ['chromium', 'firefox-esr'])
  describeWith([browser], `EventSource in ${browser}`, () => {
    test(
      "has the shape of the browser's own, and goes on across origins with and without a preflight",
      async () => {
        const lines = await runPage(program(browser)!, 'page-eventsource.mjs', {
          ABROAD: JSON.stringify(await createAbroad()),
        });
        expect(lines.filter(({ error }) => error)).toEqual([]);
        expect(lines).toHaveLength(5);
      },
      LONGEST_MS,
    );
  });
