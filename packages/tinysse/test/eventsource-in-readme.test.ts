import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { createSSEServer } from 'tinysse';
import { expect, test } from 'vitest';
import { describeWith, program } from './programs.js';
import { readmeExample } from './readme.js';

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

describeWith(['chromium'], "the README's page", () => {
  test('hears of events and of gaps', async () => {
    const sse = createSSEServer({ channelProvider: { resolveChannels: () => ['all'] }, historyReplayBuffer: 1 });
    for (let i = 0; i < 3; i++) await sse.publishEvent('tick', `tick ${i}`, 'all');
    const page = readmeExample('eventsource').code;
    const server = createServer((req, res) => {
      // The page's first connection comes from another server, as after a move.
      if (req.url === '/events') req.headers['last-event-id'] ??= '17';
      if (req.url === '/events') sse.handler(req, res);
      else res.setHeader('content-type', 'text/html').end(page);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const browser = await chromium.launch({ executablePath: program('chromium')!, args: FLAGS.split(' ') });
    try {
      const tab = await browser.newPage();
      const said: string[] = [];
      const heard = new Promise<void>((resolve) => {
        tab.on('console', (message) => said.push(message.text()) === 2 && resolve());
      });
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await heard;
      expect(said[0]).toContain('events may be missing');
      expect(said[1]).toBe('tick 2');
    } finally {
      await browser.close();
      await sse.close({ drainMs: 1 });
      server.close();
      server.closeAllConnections();
    }
  });
});
