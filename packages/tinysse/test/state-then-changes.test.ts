import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { FLAGS } from './client/site.js';
import { bundlePage, withTabs } from './hooks/tabs.js';
import { describeWith, program } from './programs.js';
import { examplesOf, readmeExample, writeExample } from './readme.js';

const guide = new URL('../../../docs/state-then-changes.md', import.meta.url);
const example = (name: string) => readmeExample(name, guide);

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

const linesOf = (child: ChildProcess) => createInterface({ input: child.stdout! })[Symbol.asyncIterator]();

/** The guide's server and a page, its own if none is given, in a folder of their own. While the folder has a file `hold`, a snapshot stops after its first row. */
async function createSite(page = example('page').code) {
  const port = await freePort();
  const holding =
    "{ yield todo(id); if (existsSync('hold')) console.log('holds'); while (existsSync('hold')) await new Promise((go) => setTimeout(go, 20)); }";
  const edit = (code: string) =>
    code
      .replaceAll('8080', port)
      .replace('yield todo(id);', holding)
      .replace(/\}\)\.listen\((\d+)\)/, '}).listen($1, () => console.log("up"))');
  const { file, remove } = writeExample(example('server'), edit);
  const inFolder = (name: string) => join(dirname(file), name);
  writeFileSync(inFolder('page.html'), page);
  let child: ChildProcess | undefined;
  let lines: AsyncIterator<string>;
  const site = {
    port,
    url: `http://127.0.0.1:${port}/`,
    async start() {
      const started = spawn(process.execPath, [file], { cwd: dirname(file), stdio: ['ignore', 'pipe', 'inherit'] });
      child = started;
      lines = linesOf(started);
      expect((await lines.next()).value).toBe('up');
    },
    async stop() {
      const ended = once(child!, 'exit');
      child!.kill('SIGKILL');
      await ended;
    },
    /** The rows of the file that stands in for a database; while the server is away. */
    write: (rows: [string, string][]) => writeFileSync(inFolder('todos.json'), JSON.stringify(rows)),
    rows: () => new Map<string, string>(JSON.parse(readFileSync(inFolder('todos.json'), 'utf8'))),
    hold: () => writeFileSync(inFolder('hold'), ''),
    /** Waits until a snapshot is held. */
    holds: async () => expect((await lines.next()).value).toBe('holds'),
    release: () => rmSync(inFolder('hold')),
    put: (id: string, text: string) => fetch(new URL(`/todos/${id}`, site.url), { method: 'PUT', body: text }),
    /** Runs shell commands of the guide. */
    async run(name: string) {
      const commands = example(name).code.replaceAll('8080', port);
      const [code] = await once(spawn('sh', ['-ec', commands], { stdio: ['ignore', 'ignore', 'ignore'] }), 'exit');
      expect(code).toBe(0);
    },
    /** What a connection gets up to a text. */
    async read(end: RegExp, headers: Record<string, string> = {}, reading: () => void = () => {}) {
      const response = await fetch(new URL('/events', site.url), { headers });
      let read = '';
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        read += text;
        if (end.test(read)) return read;
        if (/^id: .*\n.*position/m.test(read)) reading();
      }
      throw new Error(`ended after: ${read}`);
    },
  };
  onTestFinished(() => {
    child?.kill('SIGKILL');
    remove();
  });
  return site;
}

/** The same text for the same frames: epochs by the order in which they occur, `retry:` without its number. */
function plain(wire: string): string {
  const epochs: string[] = [];
  return wire
    .trim()
    .replace(/^retry: \d+/m, 'retry:')
    .replace(/[0-9a-f]{16}/g, (epoch) => {
      if (!epochs.includes(epoch)) epochs.push(epoch);
      return `epoch ${epochs.indexOf(epoch)}`;
    });
}

describeWith(['curl'], 'the wire of the guide', () => {
  test('is what its server sends, to a new client and to one with a gap', async () => {
    const site = await createSite();
    await site.start();
    await site.put('1', 'buy tea');
    await site.put('2', 'drink tea');
    let change = () => {
      change = () => {};
      void site.put('2', 'drink more tea');
    };
    const first = await site.read(/more tea"}\n\n$/, {}, () => change());
    expect(plain(first)).toBe(plain(example('new').code));
    await site.stop();
    await site.start();
    const id = /id: (\S+-3)/.exec(first)![1]!;
    const healed = await site.read(/\nid: \S+-0\n.+\n.+\n\n$/, { 'last-event-id': id });
    expect(plain(healed)).toBe(plain(example('gap').code));
  });
});

test('the client of the guide shows the state only when it is complete', async () => {
  const site = await createSite();
  site.write([
    ['1', 'one'],
    ['2', 'two'],
  ]);
  site.hold();
  await site.start();
  const { file, remove } = writeExample(example('client'), (code) => code.replaceAll('8080', site.port));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    remove();
  });
  const lines = linesOf(child);
  await site.holds();
  site.release();
  expect((await lines.next()).value).toBe('one, two');
  await site.put('2', 'second');
  expect((await lines.next()).value).toBe('one, second');
  await site.stop();
  site.write([['3', 'three']]);
  await site.start();
  expect((await lines.next()).value).toBe('three');
});

describeWith(['chromium', 'curl'], 'the page of the guide', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program('chromium')!, args: FLAGS.split(' ') });
  });
  afterAll(() => browser?.close());

  async function visit(url: string) {
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(url);
    return (rows: string[]) =>
      vi.waitFor(async () => expect(await page.locator('li').allTextContents()).toEqual(rows), 15_000);
  }

  test('shows what the commands of the guide have changed', async () => {
    const site = await createSite();
    await site.start();
    const shows = await visit(site.url);
    await site.run('change');
    await shows(['drink tea']);
    expect([...site.rows().values()]).toEqual(['drink tea']);
  });

  test('shows the state after the server was cut in the middle of a snapshot and the state has changed meanwhile', async () => {
    const site = await createSite();
    site.write([
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ]);
    site.hold();
    await site.start();
    const shows = await visit(site.url);
    await shows(['one']);
    await site.stop();
    site.write([
      ['2', 'two'],
      ['3', 'third'],
      ['4', 'four'],
    ]);
    site.release();
    await site.start();
    await shows(['two', 'third', 'four']);
    await site.put('2', 'second');
    await shows(['second', 'third', 'four']);

    // Again, now with an id: the page comes back as one that has missed something, and is cut half-way.
    await site.stop();
    site.write([
      ['3', 'third'],
      ['5', 'five'],
      ['6', 'six'],
    ]);
    site.hold();
    await site.start();
    await shows(['third']);
    await site.stop();
    site.release();
    site.write([]);
    await site.start();
    await shows([]);
    await site.put('7', 'seven');
    await shows(['seven']);
  }, 60_000);
});

describeWith(['chromium'], 'the component of the guide', () => {
  const openTab = withTabs();

  test('goes on showing the old rows while a snapshot comes', async () => {
    const script = await bundlePage(example('react').code);
    const site = await createSite(`<!doctype html><ul></ul><script type="module">${script}</script>`);
    site.write([
      ['1', 'one'],
      ['2', 'two'],
    ]);
    await site.start();
    const tab = await openTab(site.url);
    const rows = () => tab.locator('li').allTextContents();
    await vi.waitFor(async () => expect(await rows()).toEqual(['one', 'two']), 15_000);
    await fetch(new URL('/todos/1', site.url), { method: 'DELETE' });
    await vi.waitFor(async () => expect(await rows()).toEqual(['two']));
    await site.stop();
    site.write([
      ['3', 'three'],
      ['4', 'four'],
    ]);
    site.hold();
    await site.start();
    await site.holds();
    expect(await rows()).toEqual(['two']);
    site.release();
    await vi.waitFor(async () => expect(await rows()).toEqual(['three', 'four']), 15_000);
  });
});

test('every example of the guide is run by a test', () => {
  const files = [import.meta.url, new URL('../../tinysse-hub/test/snapshots/guide.test.ts', import.meta.url)];
  const here = files.map((file) => readFileSync(new URL(file), 'utf8')).join();
  for (const name of examplesOf(readFileSync(guide, 'utf8')).keys()) expect(here).toContain(`'${name}'`);
});
