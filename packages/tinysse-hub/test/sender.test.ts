import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { ask, post, subscribe } from './http.js';
import { startHub } from './program.js';

const SECRET = 'a secret that is long enough for anybody';

const token = (issuer: string): Promise<string> =>
  new SignJWT({ tinysse: { publish: ['a'], subscribe: ['a'] } })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ann')
    .setIssuer(issuer)
    .setAudience('hub')
    .setExpirationTime('1m')
    .sign(new TextEncoder().encode(SECRET));

test('log lines name who a token is for, and never the token', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'secret');
  writeFileSync(file, `${SECRET}\n`);
  const keys = ['--jwt-secret-file', file, '--jwt-issuer', 'us', '--jwt-audience', 'hub'];
  const { program, url, port } = await startHub(keys);
  const [ours, theirs] = [await token('us'), await token('them')];
  const stream = await subscribe(port, `channel=a&access_token=${ours}`);
  expect((await post(`${url}/publish?channel=a`, 'x', { authorization: `Bearer ${ours}` })).status).toBe(200);
  await stream.until('data: x');
  stream.socket.destroy();
  await program.until(({ stderr }) => stderr.includes('disconnected'));
  expect((await ask(`${url}/events?channel=b&access_token=${ours}`)).status).toBe(403);
  expect((await ask(`${url}/events?channel=a&access_token=${theirs}`)).status).toBe(401);
  expect((await ask(`${url}/events?channel=a&access_token=${ours}%zz`)).status).toBe(400);
  await program.until(({ stderr }) => stderr.includes('INVALID_PARAMETER'));
  const lines = program.stderr.trimEnd().split('\n').slice(1);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { msg: 'connected', who: 'ann', channels: ['a'] },
    { msg: 'disconnected', who: 'ann', why: 'gone', events: 1 },
    { msg: 'refused', channels: ['b'], code: 'FORBIDDEN' },
    { msg: 'refused', channels: ['a'], code: 'UNAUTHORIZED' },
    { msg: 'refused', channels: ['a'], code: 'INVALID_PARAMETER' },
  ]);
  for (const secret of [SECRET, ours.slice(-20), theirs.slice(-20)]) expect(program.stderr).not.toContain(secret);
});
