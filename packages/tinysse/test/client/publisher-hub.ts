import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createHubPublisher, type HubPublisherOptions } from '../../src/client/publisher.js';

interface Line {
  channels: string[];
  event?: string;
  data: string;
  key: string;
}

/** A request for a test to answer. */
export interface Asked {
  lines: Line[];
  headers: http.IncomingHttpHeaders;
  url: string;
  answer(lines: readonly unknown[], status?: number): void;
  /** Cuts the connection. */
  cut(): void;
}

/** A hub on a real socket, whose every answer is written by the test. */
export async function createHub() {
  const arrived: Asked[] = [];
  const waiting: ((asked: Asked) => void)[] = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const asked: Asked = {
      lines: body.split('\n').map((line) => JSON.parse(line)),
      headers: request.headers,
      url: request.url ?? '',
      answer(lines, status = 200) {
        response.writeHead(status, { 'content-type': 'application/x-ndjson' });
        response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      },
      cut: () => void response.destroy(),
    };
    const take = waiting.shift();
    if (take) take(asked);
    else arrived.push(asked);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: () =>
      new Promise<Asked>((resolve) => (arrived.length > 0 ? resolve(arrived.shift()!) : waiting.push(resolve))),
  };
}

export async function setUp(options: Partial<HubPublisherOptions> = {}) {
  const hub = await createHub();
  const logged: unknown[] = [];
  const publisher = createHubPublisher({ url: hub.url, logger: (...args) => logged.push(args[1]), ...options });
  return { hub, publisher, logged };
}

/** An id for each line. */
export const ids = (asked: Asked, first = 1): { id: string }[] => asked.lines.map((_, i) => ({ id: `e-${first + i}` }));
