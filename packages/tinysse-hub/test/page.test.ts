import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../tinysse/test/programs.js';
import { launch, shown, visit } from './browser.js';
import { ask, post } from './http.js';
import { type Hub, openHub } from './program.js';

describeWith(['chromium'], 'the page', () => {
  let hub: Hub;
  let browser: Browser;
  beforeAll(async () => {
    [hub, browser] = await Promise.all([openHub(), launch()]);
  });
  afterAll(async () => {
    await Promise.all([hub?.program.end(), browser?.close()]);
  });

  test('shows what is published in its box, and what comes from elsewhere', async () => {
    const { page, problems, requested } = await visit(browser, `${hub.url}/`);
    expect(await page.locator('#empty').innerText()).toContain(`curl -d 'hello' '${hub.url}/publish?channel=demo'`);
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.locator('.events .data', { hasText: /^hello$/ }).waitFor();
    expect(await page.locator('#answer').innerText()).toBe('published');

    const { id } = JSON.parse((await post(`${hub.url}/publish?channel=demo&event=news`, 'one\ntwo')).text) as {
      id: string;
    };
    const row = page.locator('.events li', { hasText: 'news' });
    await row.waitFor();
    expect(await row.locator('.data').textContent()).toBe('one\ntwo');
    expect(await row.locator('.id').textContent()).toBe(id);
    expect(await page.locator('#count').textContent()).toBe('2');

    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('#empty').waitFor();
    expect(problems).toEqual([]);
    expect(requested.filter((url) => !url.startsWith(`${hub.url}/`))).toEqual([]);
  });

  test('publishes with Enter, and begins a line with Shift+Enter', async () => {
    const { page } = await visit(browser, `${hub.url}/?channel=keys`);
    const data = page.getByLabel('Data');
    await data.fill('first');
    await data.press('Shift+Enter');
    await data.pressSequentially('second');
    await page.getByRole('textbox', { name: 'Event optional' }).fill('typed');
    await data.press('Enter');
    await page.locator('.events .name', { hasText: 'typed' }).waitFor();
    expect(await shown(page)).toEqual(['first\nsecond']);
  });

  test('says why the hub refused an event', async () => {
    const { page } = await visit(browser, `${hub.url}/?channel=refused`);
    await page.getByRole('textbox', { name: 'Event optional' }).fill('tinysse:reset');
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.locator('.answer.bad', { hasText: 'reserved' }).waitFor();
  });

  test('subscribes to the channels that are asked for, with what the hub has kept', async () => {
    await post(`${hub.url}/publish?channel=b`, 'kept');
    const { page } = await visit(browser, `${hub.url}/`);
    await page.getByRole('textbox', { name: /^Channel/ }).fill('a  b');
    await page.getByLabel('Kept events too').check();
    await page.getByRole('button', { name: 'Subscribe' }).click();
    await page.locator('.state', { hasText: 'subscribed to a, b' }).waitFor();
    await page.locator('.events .data', { hasText: 'kept' }).waitFor();
    expect(new URL(page.url()).search).toBe('?channel=a&channel=b&lastEventId=earliest');
    await post(`${hub.url}/publish?channel=a`, 'new');
    await page.locator('.events .data', { hasText: 'new' }).waitFor();
    expect(await shown(page)).toEqual(['kept', 'new']);
  });

  test('shows data as text, whatever it holds', async () => {
    const { page, problems } = await visit(browser, `${hub.url}/?channel=%3Cb%3E`);
    const data = '<img src="/nope" onerror="document.title=1"><script>document.title=2</script>';
    await post(`${hub.url}/publish?channel=%3Cb%3E&event=%3Ci%3Ex`, data);
    await page.locator('.events .data').waitFor();
    expect(await shown(page)).toEqual([data]);
    expect(await page.locator('.events img, .events script, .events i, .state b').count()).toBe(0);
    expect(problems).toEqual([]);
  });

  test('shows the last 200 of many', async () => {
    const { page } = await visit(browser, `${hub.url}/?channel=many`);
    for (let i = 1; i <= 450; i++) await post(`${hub.url}/publish?channel=many`, String(i));
    await page.locator('#count', { hasText: '450, the last 200 shown' }).waitFor();
    await page.locator('.events .data', { hasText: /^450$/ }).waitFor();
    expect((await shown(page)).map(Number)).toEqual(Array.from({ length: 200 }, (_, i) => i + 251));
  });

  test('works below the prefix of a proxy that takes it off', async () => {
    const proxy = createServer((req, res) => {
      const path = /^\/some\/hub(\/.*)/.exec(req.url ?? '')?.[1];
      if (path === undefined) return void res.writeHead(404).end();
      const headers = { ...req.headers, host: `127.0.0.1:${hub.port}` };
      // As a proxy does that is told to: the page's origin is that of the proxy.
      if (headers.origin) headers.origin = hub.url;
      const sent = request(hub.url + path, { method: req.method, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 0, answer.headers);
        pipeline(answer, res, () => {});
      });
      pipeline(req, sent, () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close().closeAllConnections());
    const at = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/some/hub/`;
    const { page, problems, requested } = await visit(browser, `${at}?channel=below`);
    expect(await page.locator('#empty').innerText()).toContain(`'${at}publish?channel=below'`);
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.locator('.events .data', { hasText: /^hello$/ }).waitFor();
    expect([problems, requested.filter((url) => !url.startsWith(at))]).toEqual([[], []]);
  });

  test('may load nothing from elsewhere', async () => {
    const { headers } = await ask(`${hub.url}/`);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-[\w+/=]+';/);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
  });
});
