import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSSEServer, type SSEServer, type SSEServerOptions } from 'tinysse';
import { onTestFinished } from 'vitest';

export const FLAGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** A page with a script, and a tinysse server at `/events` of the same origin: of the channel `?channel=`, or
 * of the cookie `user`, or of `all`. */
export interface Site {
  sse: SSEServer;
  url: string;
  /** How many times the stream has been asked for. */
  readonly asked: number;
  /** How many streams are open. */
  readonly open: number;
  /** Cuts the streams that are open. */
  cut(): void;
  /** Answers requests for the stream with this status from now on. */
  refuse(status: number): void;
}

export async function createSite(
  script: string,
  historyReplayBuffer?: number,
  snapshot?: SSEServerOptions['snapshot'],
  replayAllOnConnect = false,
): Promise<Site> {
  const sse: SSEServer = createSSEServer({
    channelProvider: {
      resolveChannels: ({ url, headers }) => [
        new URL(url).searchParams.get('channel') ?? /user=(\w+)/.exec(headers.get('cookie') ?? '')?.[1] ?? 'all',
      ],
    },
    retryMs: 100,
    logger: () => {},
    replayAllOnConnect,
    ...(historyReplayBuffer && { historyReplayBuffer }),
    ...(snapshot && { snapshot }),
  });
  const open = new Set<http.ServerResponse>();
  let asked = 0;
  let status = 0;
  const server = http.createServer((request, response) => {
    if (!request.url!.startsWith('/events'))
      return response.setHeader('content-type', 'text/html').end(`<!doctype html><script>${script}</script>`);
    asked++;
    if (status) return response.writeHead(status).end();
    open.add(response);
    response.on('close', () => open.delete(response));
    return sse.handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await sse.close({ drainMs: 1 });
    server.close();
    server.closeAllConnections();
  });
  return {
    sse,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get asked() {
      return asked;
    },
    get open() {
      return open.size;
    },
    cut: () => open.forEach((response) => void response.destroy()),
    refuse: (next) => {
      status = next;
    },
  };
}
