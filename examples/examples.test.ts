import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { chromium } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeWith, program } from '../packages/tinysse/test/programs.js';

/** Runs an example as its first line says, on a free port; gives the address that it prints. */
async function run(name: string): Promise<{ url: string; child: ChildProcess }> {
  const file = fileURLToPath(new URL(`${name}/server.mjs`, import.meta.url));
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  for await (const piece of child.stdout) {
    printed += piece;
    const url = /http:\S+(?=\n)/.exec(printed)?.[0];
    if (url) return { url: url.replace('[::1]', 'localhost'), child };
  }
  throw new Error(`${name} ended after: ${printed}`);
}

const ann = { authorization: 'Bearer ann' };

/** Reads a stream until text has come; leaves it then. */
async function until(response: Response, text: string | RegExp): Promise<string> {
  let read = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    read += decoder.decode(bytes, { stream: true });
    if (typeof text === 'string' ? read.includes(text) : text.test(read)) return read;
  }
  throw new Error(`ended after: ${read}`);
}

describe.each(['express', 'fastify', 'koa', 'hono'])('the %s example', (name) => {
  test('gives a user of the framework the events of the room in the path', async () => {
    const { url } = await run(name);
    const stream = await fetch(url, { headers: ann });
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    const say = (room: string, body: string) =>
      fetch(new URL(room, url), { method: 'POST', body, headers: { ...ann, 'content-type': 'text/plain' } });
    expect((await say('cellar', 'dark here')).status).toBe(204);
    expect((await say('kitchen', 'tea?')).status).toBe(204);
    expect(await until(stream, 'data: ann: tea?\n\n')).not.toContain('dark here');
  });

  test('refuses whoever the framework does not know', async () => {
    const { url } = await run(name);
    const refused = await fetch(url);
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('sign in first')]);
  });
});

describe('the node example', () => {
  test('sends events, refuses strangers, and drains when it is told to end', async () => {
    const { url, child } = await run('node');
    expect((await fetch(url)).status).toBe(401);
    await until(await fetch(url, { headers: ann }), '\ndata: 20');
    const stream = await fetch(url, { headers: ann });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await stream.text()).toMatch(/retry: \d+\n\n$/);
    expect(await ended).toBe(0);
  });
});

describe('the fetch example', () => {
  test('sends events and refuses strangers', async () => {
    const { default: example } = await import('./fetch/server.mjs');
    const url = await new Promise<string>((resolve) => {
      const server = serve({ fetch: example.fetch, port: 0 }, ({ port }) =>
        resolve(`http://localhost:${port}/rooms/kitchen`),
      );
      onTestFinished(() => void server.close());
    });
    expect((await fetch(url)).status).toBe(401);
    await until(await fetch(url, { headers: ann }), '\ndata: 20');
  });
});

describe('the snapshot example', () => {
  const rows = String.raw`event: price\ndata: \["tea",\d+\]\n\nevent: price\ndata: \["milk",120\]\n\n`;
  const position = String.raw`event: tinysse:position\ndata: \d+\n\n`;
  const change = String.raw`id: (\S+)\nevent: price\ndata: \["tea",\d+\]\n\n`;
  const ask = (url: string, id: string) => fetch(url, { headers: { 'last-event-id': id } });

  test('sends every price, gives the position only after them, then sends changes', async () => {
    const { url } = await run('snapshot');
    const began = String.raw`event: tinysse:snapshot\ndata: \{"reason":"start"\}\n\n`;
    expect(await until(await fetch(url), RegExp(`${change}$`))).toMatch(
      RegExp(String.raw`^retry: \d+\n\n${position}${began}${rows}id: \S+\n${position}${change}$`),
    );
  });

  test('sends only changes to a client that resumes, and every price again to one that has missed events', async () => {
    const { url } = await run('snapshot');
    const [, id] = RegExp(change).exec(await until(await fetch(url), RegExp(change))) as unknown as [string, string];
    expect(await until(await ask(url, id), RegExp(change))).not.toContain('milk');
    const healed = await until(await ask(url, '0000000000000001-7'), RegExp(`${change}$`));
    expect(healed).toMatch(
      RegExp(
        String.raw`\nevent: tinysse:reset\ndata: .*"epoch".*\n\nevent: tinysse:snapshot\ndata: .*"epoch".*\n\n${rows}id: `,
      ),
    );
  });
});

describeWith(['redis-server', 'haproxy'], 'the cluster example', () => {
  test('gives every client everything once and in order while one hub after another is killed', {
    timeout: 90_000,
  }, async () => {
    const file = fileURLToPath(new URL('cluster/run.mjs', import.meta.url));
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGINT'));
    let printed = '';
    for await (const piece of child.stdout) printed += piece;
    expect(printed.match(/client \d on \w+( → \w+)+: all, once, in order\n/g)).toHaveLength(9);
    expect(printed).toMatch(/\n\d+ events to 9 clients, 0 resets\n$/);
  });
});

describeWith(['chromium'], 'the browser example', () => {
  test('shows in one window what was said in another', async () => {
    const { url } = await run('browser');
    const browser = await chromium.launch({ executablePath: program('chromium') as string, args: FLAGS.split(' ') });
    onTestFinished(() => browser.close());
    const [one, two] = [await browser.newPage(), await browser.newPage()];
    for (const page of [one, two]) {
      await page.goto(url);
      await page.waitForFunction(`document.querySelector('output').value === 'open'`);
    }
    await one.fill('input', 'hello <b>there</b>');
    await one.click('button');
    for (const page of [one, two]) await page.waitForSelector('li:text-is("hello <b>there</b>")');
  });
});

describeWith(['chromium'], 'the TanStack Query example', () => {
  test('shows the last twenty messages, and goes on with them when the window is focused', async () => {
    const { url } = await run('tanstack-query');
    const browser = await chromium.launch({ executablePath: program('chromium') as string, args: FLAGS.split(' ') });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url);
    await page.waitForSelector('li:text-is("message 25")');
    await page.evaluate(`dispatchEvent(new Event('visibilitychange'))`);
    await page.waitForSelector('li:text-is("message 30")');
    const shown = await page.locator('li').allTextContents();
    const first = Number(shown[0]!.slice('message '.length));
    expect(shown).toEqual(Array.from({ length: 20 }, (_, n) => `message ${first + n}`));
  });
});

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
