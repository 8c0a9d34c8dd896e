import { test } from 'vitest';
import { createSite } from '../client/site.js';
import { describeWith } from '../programs.js';
import { readmeExample } from '../readme.js';
import { bundlePage, withTabs } from './tabs.js';

describeWith(['chromium'], "the README's component", () => {
  const openTab = withTabs();

  test('shows the last ten prices', async () => {
    const site = await createSite(`onload = () => {
      document.body.append(document.createElement('main'));
      ${await bundlePage(readmeExample('react').code)}
    }`);
    const tab = await openTab(site.url);
    await tab.waitForSelector('p[title=open]', { state: 'attached' });
    for (let n = 1; n <= 12; n++) await site.sse.publishEvent('price', `${n}`, 'tea');
    await tab.waitForSelector('p:text-is("3, 4, 5, 6, 7, 8, 9, 10, 11, 12")');
  });
});
