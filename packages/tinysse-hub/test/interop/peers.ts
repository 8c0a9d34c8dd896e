import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createSSEServer, type SSEServerOptions } from 'tinysse';
import { onTestFinished } from 'vitest';
import { type Built, buildGo } from '../../../tinysse/test/go.js';
import { post } from '../http.js';
import { type Hub, start, startHub } from '../program.js';

/** What is published. */
export interface Publish {
  channels?: string[];
  event?: string;
  data: string;
}

/** A server of streams: `GET /events?channel=…`. */
export interface Peer {
  readonly url: string;
  /** @returns what the server answered */
  publish(what: Publish): Promise<string>;
}

/** Our own Go programs, or with `TINYSSE_TEST_GO=module` those of the Go package itself (`npm run test:interop`). */
const PROGRAMS = process.env.TINYSSE_TEST_GO === 'module' ? 'interop/module/' : 'interop/';
const INTEROP = new URL(`../../../../${PROGRAMS}`, import.meta.url);

/** The Go server. */
export const buildServer = (): Promise<Built> => buildGo(new URL('server/', INTEROP));

/** The Go client for browsers. */
export const buildClient = (): Promise<Built> => buildGo(new URL('browser/', INTEROP), { GOOS: 'js', GOARCH: 'wasm' });

export async function startGo({ file }: Built, args: string[] = []): Promise<Peer> {
  const program = start(args, {}, file);
  await program.until(({ stdout }) => stdout.endsWith('\n'));
  return overHttp(program.stdout.trim());
}

export async function startHubPeer(args?: readonly string[]): Promise<Peer & { hub: Hub }> {
  const hub = await startHub(args);
  return { ...overHttp(hub.url), hub };
}

function overHttp(url: string): Peer {
  return {
    url,
    async publish({ channels = ['a'], event, data }) {
      const query = new URLSearchParams(channels.map((channel) => ['channel', channel]));
      if (event) query.set('event', event);
      const { status, text } = await post(`${url}/publish?${query}`, data);
      if (status !== 200) throw new Error(`${status}: ${text}`);
      return text;
    },
  };
}

/** The library behind node:http. */
export async function startLibrary(
  options: SSEServerOptions = {},
  port = 0,
): Promise<Peer & { close(): Promise<void> }> {
  const sse = createSSEServer({
    channelProvider: { resolveChannels: ({ url }) => new URL(url).searchParams.getAll('channel') },
    ...options,
  });
  const http = createServer(sse.handler).listen(port, '127.0.0.1');
  await once(http, 'listening');
  const close = async (): Promise<void> => {
    await sse.close({ drainMs: 1 });
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async publish({ channels = ['a'], event = '', data }) {
      const id = await sse.publishEvent(event, data, ...channels);
      await setImmediate(); // Other servers answer in another turn.
      return id;
    },
    close,
  };
}
