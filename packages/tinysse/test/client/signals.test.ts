import { expect, onTestFinished, test } from 'vitest';
import { watch } from './source.js';

test('twenty clients may share one signal: nobody warns of a leak, and it ends them all', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const controller = new AbortController();
  const all = Array.from({ length: 20 }, () => watch('http://127.0.0.1:1/', { signal: controller.signal }));
  for (const { client } of all) client.connect();
  controller.abort();
  for (const { client, log } of all) expect([client.state, log]).toEqual(['closed', ['ABORTED ends']]);
  // A warning comes a turn later.
  await new Promise(setImmediate);
  expect(warnings).toEqual([]);
});
