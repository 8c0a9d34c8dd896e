import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { createSSEServer } from 'tinysse';
import { createSSEClient } from 'tinysse/client';
import { afterEach, expect, test } from 'vitest';
import { examplesOf, readmeExample, writeExample } from './readme.js';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const README = new URL('../../../README.md', import.meta.url);

/** Runs an example as a reader would, on another port. @returns its output, line by line */
function run(name: string, port: number, edit = (code: string) => code): AsyncIterator<string> {
  const example = name.startsWith('quick') ? readmeExample(name, README) : readmeExample(name);
  const { file, remove } = writeExample(example, (code) => edit(code.replaceAll('8080', String(port))));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'), remove);
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

/** The first message that a server sends. */
async function firstMessage(port: number) {
  const client = createSSEClient({
    endpoint: `http://127.0.0.1:${port}/?channel=mine`,
    retryInterval: 20,
    maxRetryDelay: 100,
  });
  for await (const message of client) return message;
}

test('the Node server sends its ticks', async () => {
  const port = await freePort();
  run('node', port);
  expect(await firstMessage(port)).toMatchObject({ event: 'tick', data: expect.stringMatching(/^20/) });
});

test('the first server and the first client of the README understand each other', async () => {
  const port = await freePort();
  run('quick server', port);
  const lines = run('quick client', port);
  expect((await lines.next()).value).toMatch(/^20\d\d-/);
});

test('the fetch server sends its ticks', async () => {
  const port = await freePort();
  // Node has no server for a fetch handler of its own; Bun and Deno take the default export as it is.
  const serve = "import { serve } from '@hono/node-server'; const app =";
  run('fetch', port, (code) => `${code.replace('export default', serve)}\nserve(app);`);
  expect(await firstMessage(port)).toMatchObject({ event: 'message', data: 'tick' });
});

test('publishing prints what its comments say', async () => {
  const lines = run('publish', 0);
  expect((await lines.next()).value).toBe('true');
  expect((await lines.next()).value).toBe('INVALID_CHANNEL rejected');
});

test('typed events arrive', async () => {
  const lines = run('typed', await freePort());
  expect((await lines.next()).value).toBe('tea 3.5');
});

test('the snapshot comes first, its position after it, and then the change', async () => {
  const port = await freePort();
  const ready = run(
    'snapshot',
    port,
    (code) => `${code.replace(/\.listen\((\d+)\)/, '.listen($1, () => console.log("ready"))')}`,
  );
  await ready.next();
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const change = /^id: \S+-\d+\nevent: todo\ndata: {"id":"2","text":"read.+"}\n\n/m;
  let read = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    read += text;
    if (change.test(read)) break;
  }
  expect(read).toMatch(
    /\n\nevent: tinysse:snapshot\ndata: {"reason":"start"}\n\nevent: todo\ndata: {"id":"1","text":"write"}\n\n(event: todo\n.+\n\n)?id: \S+\nevent: tinysse:position\ndata: 15000\n\nid: /,
  );
});

test.each([
  ['client', /^2026$/],
  ['standard', /^2026$/],
  ['shared', /^2026$/],
  ['loop', /^[0-9a-f]{16}-\d+ tick 2026$/],
])('the %s prints what a server sends', async (name, line) => {
  const sse = createSSEServer({ channelProvider: { resolveChannels: () => ['all'] }, logger: () => {} });
  const http = await import('node:http');
  const server = http.createServer(sse.handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const timer = setInterval(() => sse.publishEvent('tick', '2026', 'all'), 20);
  cleanups.push(() => {
    clearInterval(timer);
    server.close();
    server.closeAllConnections();
  });
  const lines = run(name, (server.address() as AddressInfo).port);
  expect((await lines.next()).value).toMatch(line);
});

test('the publisher prints three ids from one request', async () => {
  let requests = 0;
  const http = await import('node:http');
  const server = http.createServer(async (request, response) => {
    requests++;
    let body = '';
    for await (const chunk of request) body += chunk;
    response.setHeader('content-type', 'application/x-ndjson');
    response.end(body.replace(/.+/g, (line) => JSON.stringify({ id: `id ${JSON.parse(line).data}` })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const port = String((server.address() as AddressInfo).port);
  const lines = run('publisher', 0, (code) => code.replace('7730', port));
  expect((await lines.next()).value).toBe("[ 'id 12', 'id 13', 'id 14' ]");
  expect(requests).toBe(1);
});

test('the certificate of a client is complete', async () => {
  const example = readmeExample('certify', new URL('../../../CONTRIBUTING.md', import.meta.url));
  const { file, remove } = writeExample(example);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'), remove);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  expect(lines).toEqual([expect.stringMatching(/^(\d+) of \1$/)]);
});

test('every example of the README and of the guide is run by a test', () => {
  const here = ['examples-in-readme', 'eventsource-in-readme', 'hooks/react-in-readme']
    .map((name) => readFileSync(new URL(`${name}.test.ts`, import.meta.url), 'utf8'))
    .join();
  const guide = readFileSync(new URL('../../../docs/guide.md', import.meta.url), 'utf8');
  const rehearsal = readFileSync(new URL('../../../rehearsal/run.mjs', import.meta.url), 'utf8');
  for (const name of examplesOf(guide).keys()) expect(here).toContain(`'${name}'`);
  for (const name of examplesOf(readFileSync(README, 'utf8')).keys()) expect(here + rehearsal).toContain(`'${name}'`);
});

test('the figures of the README are those of the last measurement', () => {
  const measured = readFileSync(new URL('../../../docs/bench.md', import.meta.url), 'utf8');
  const rows = readFileSync(README, 'utf8').match(/^\| (deliveries a second|CPU µs for a delivery).*$/gm)!;
  expect(rows).toHaveLength(2);
  for (const figure of rows.join().match(/(?<=\| )[\d,.]+( M)?(?= )/g)!) expect(measured).toContain(`| ${figure} |`);
});
