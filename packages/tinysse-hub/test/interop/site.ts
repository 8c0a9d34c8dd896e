import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { Browser, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { type Built, wasmScript } from '../../../tinysse/test/go.js';

/** What the Go client has told of a message. */
export interface Told {
  lastEventId: string;
  type: string;
  data: string;
}

const PAGE = `<!doctype html><title>test</title><script src="wasm_exec.js"></script><script>
  // Go sees properties of the window only.
  Object.assign(window, { messages: [], errors: [], endpoint: '/events?channel=a&channel=b' });
  const go = new Go();
  WebAssembly.instantiateStreaming(fetch('client.wasm'), go.importObject).then(({ instance }) => go.run(instance));
</script>`;

/** A page that runs the Go client; its `/events` is that of another server. */
export interface Site {
  readonly url: string;
  /** The server; undefined: nobody answers. */
  target: string | undefined;
  /** Answers requests for the stream with this status instead. */
  refusal: number | undefined;
  /** The Last-Event-ID of each stream that was asked for; of those that nobody answers too. */
  readonly asked: (string | undefined)[];
  /** Cuts every stream. */
  cut(): void;
}

export async function startSite(client: Built): Promise<Site> {
  const files: Record<string, [type: string, content: string | Buffer]> = {
    '/': ['text/html', PAGE],
    '/wasm_exec.js': ['text/javascript', await wasmScript()],
    '/client.wasm': ['application/wasm', await readFile(client.file)],
  };
  const streams = new Set<ServerResponse>();
  const site = { target: undefined as string | undefined, refusal: undefined as number | undefined };
  const asked: Site['asked'] = [];

  const pass = ({ url, headers }: IncomingMessage, res: ServerResponse): void => {
    asked.push(headers['last-event-id'] as string | undefined);
    if (site.refusal) return void res.writeHead(site.refusal).end();
    if (!site.target) return void res.destroy();
    streams.add(res);
    const { host: _, ...rest } = headers;
    const onward = request(site.target + url, { headers: rest }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers);
      pipeline(answer, res, () => {});
    });
    res.on('close', () => {
      streams.delete(res);
      onward.destroy();
    });
    onward.on('error', () => res.destroy()).end();
  };

  const server = createServer((req, res) => {
    if (req.url!.startsWith('/events')) return pass(req, res);
    const [type, content] = files[req.url!] ?? ['text/plain', ''];
    res.writeHead(200, { 'content-type': type }).end(content);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const cut = () => streams.forEach((stream) => void stream.destroy());
  return Object.assign(site, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked, cut });
}

/** Opens the page; its client is connected as soon as its server is there. */
export async function visit(browser: Browser, { url }: Site): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  return page;
}

export const messages = (page: Page): Promise<Told[]> => page.evaluate('messages');

/** Waits for a message. */
export const got = (page: Page, data: string) =>
  page.waitForFunction(`messages.some((message) => message.data === ${JSON.stringify(data)})`);
