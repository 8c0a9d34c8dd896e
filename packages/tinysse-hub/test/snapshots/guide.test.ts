import { spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { readmeExample, writeExample } from '../../../tinysse/test/readme.js';
import { subscribe } from '../http.js';
import { startHub } from '../program.js';
import { freePort } from '../proxies.js';
import { outline } from './parts.js';

const example = (name: string) =>
  readmeExample(name, new URL('../../../../docs/state-then-changes.md', import.meta.url));

test("the guide's server gives the hub its rows, and then a change", async () => {
  const rows = String(await freePort());
  const command = /^npx tinysse-hub serve (.+)\n$/.exec(example('hub').code)?.[1] as string;
  const hub = await startHub(command.replace('8081', rows).split(' '));
  const { file, remove } = writeExample(example('rows'), (code) =>
    code.replace('8081', rows).replace('7730', String(hub.port)),
  );
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    remove();
  });
  const url = `http://127.0.0.1:${rows}/state`;
  await expect
    .poll(() =>
      fetch(url).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
  const client = await subscribe(hub.port, 'channel=todos');
  await client.until('id: ');
  expect((await fetch(url, { method: 'POST' })).status).toBe(204);
  await client.until('drink tea');
  expect(outline(client.received)).toEqual([
    'tinysse:position',
    'tinysse:snapshot',
    '{"id":"1","text":"buy tea"}',
    'id tinysse:position',
    'id {"id":"2","text":"drink tea"}',
  ]);
});
