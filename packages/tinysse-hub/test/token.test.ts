import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { fileWith, SECRET } from './auth/tokens.js';
import { subscribe } from './http.js';
import { run, start, startHub } from './program.js';

const make = async (args: string[], env: Record<string, string> = { TINYSSE_JWT_SECRET: SECRET }) => {
  const { code, stdout, stderr } = await run(['token', ...args], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd();
};

describe('tinysse-hub token', () => {
  test('prints a token with the claims that it is asked for', async () => {
    const args = [
      '--publish',
      'a',
      '--publish',
      'b*',
      '--subscribe',
      '*',
      '--admin',
      '--subject',
      'ann',
      '--ttl',
      '5m',
    ];
    const token = await make([...args, '--jwt-issuer', 'us', '--jwt-audience', 'hub']);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256' });
    const { exp, ...claims } = decodeJwt(token);
    expect(claims).toEqual({
      sub: 'ann',
      iss: 'us',
      aud: 'hub',
      tinysse: { publish: ['a', 'b*'], subscribe: ['*'], admin: true },
    });
    expect(Math.abs((exp as number) - Date.now() / 1_000 - 300)).toBeLessThan(30);
    expect(decodeJwt(await make(['--subscribe', 'a'])).tinysse).toEqual({ publish: [], subscribe: ['a'] });
  });

  test('signs with the secret of a file, or of the file of settings', async () => {
    const file = fileWith(`${SECRET}\n`);
    const settings = fileWith(`jwt-secret-file: ${file}\nport: 0\nmemory: true\njwt-issuer: us\n`);
    const { url } = await startHub(['--config', settings]);
    for (const args of [
      ['--config', settings],
      ['--jwt-secret-file', file, '--jwt-issuer', 'us'],
    ]) {
      const token = await make([...args, '--publish', 'a'], {});
      expect((await run(['publish', 'a', 'x', '--url', url, '--token', token])).code).toBe(0);
    }
  });

  test.each([
    [['--publish', 'a'], {}, 'a secret signs the token: set --jwt-secret-file or --jwt-secret'],
    [[], { TINYSSE_JWT_SECRET: SECRET }, 'say what the token is for: --publish, --subscribe or --admin'],
    [['--ttl', 'long', '--admin'], { TINYSSE_JWT_SECRET: SECRET }, '--ttl long: must be a number with a unit'],
  ] as [string[], Record<string, string>, string][])(
    'without what it needs says so: %j',
    async (args, env, message) => {
      const { code, stdout, stderr } = await run(['token', ...args], { env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`error: ${message}`);
    },
  );

  test('does not sign with a secret that could be guessed', async () => {
    const { code, stderr } = await run(['token', '--admin', '--jwt-secret', 'short']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('HS256 needs at least 32')]);
  });
});

describe('publish and tail', () => {
  test('show a token that they are given, from the environment or by --token', async () => {
    const { url, program } = await startHub(['--jwt-secret', SECRET]);
    const token = await make(['--publish', 'demo*', '--subscribe', 'demo*']);
    const env = { TINYSSE_URL: url, TINYSSE_TOKEN: token };
    const tail = start(['tail', 'demo'], env);
    await tail.until(({ stderr }) => stderr.includes('connected to'));
    expect((await run(['publish', 'demo', 'one'], { env })).code).toBe(0);
    expect((await run(['publish', 'demo', 'two', '--url', url, '--token', token])).code).toBe(0);
    expect((await run(['publish', 'demo', '--lines'], { env, input: 'three\n' })).code).toBe(0);
    await tail.until(({ stdout }) => stdout === 'one\ntwo\nthree\n');
    for (const part of token.split('.').slice(1)) expect(tail.stderr + program.stderr).not.toContain(part);
  });

  test('say what the hub says of one that is missing or not good, and never the token', async () => {
    const { url } = await startHub(['--jwt-secret', SECRET]);
    const env = { TINYSSE_URL: url };
    expect(await run(['publish', 'a', 'x'], { env })).toMatchObject({
      code: 1,
      stderr: 'error: a token is needed to publish: send "Authorization: Bearer TOKEN"\n',
    });
    const token = await make(['--publish', 'b'], { TINYSSE_JWT_SECRET: `another ${SECRET}` });
    for (const command of [
      ['publish', 'a', 'x'],
      ['tail', 'a'],
    ]) {
      const { code, stderr } = await run([...command, '--token', token], { env });
      expect([code, stderr]).toEqual([1, expect.stringContaining('its signature is wrong')]);
      expect(stderr).not.toContain(token);
    }
    for (const odd of ['two words', 'tok\nen']) {
      const { code, stderr } = await run(['publish', 'a', 'x', '--token', odd], { env });
      expect([code, stderr]).toEqual([2, 'error: --token …: must be a token as `tinysse-hub token` prints it\n']);
    }
  });

  test('tail shows the token of the environment to the hub only, not to any URL', async () => {
    const hub = await startHub(['--jwt-secret', SECRET]);
    const TINYSSE_TOKEN = await make(['--subscribe', 'a']);
    const target = `${hub.url}/events?channel=a`;
    const elsewhere = await run(['tail', target], { env: { TINYSSE_TOKEN, TINYSSE_URL: 'http://127.0.0.1:1' } });
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining('a token is needed') });
    const here = start(['tail', target], { TINYSSE_TOKEN, TINYSSE_URL: hub.url });
    await here.until(({ stderr }) => stderr.includes('connected to'));
    const told = start(['tail', target, '--token', TINYSSE_TOKEN]);
    await told.until(({ stderr }) => stderr.includes('connected to'));
  });
});

test('a hub with keys says how to make a token, and its lines work when pasted with one', async () => {
  const { program, port } = await startHub(['--jwt-secret', SECRET]);
  expect(program.stdout).toContain("TOKEN=$(tinysse-hub token --publish 'demo*' --subscribe 'demo*')");
  expect(program.stdout).toContain('curl -N -H "Authorization: Bearer $TOKEN" \'http://');
  const token = await make(['--publish', 'demo*', '--subscribe', 'demo*']);
  await subscribe(port, 'channel=demo', `Authorization: Bearer ${token}\r\n`);
  const foreign = await startHub(['--jwks-file', fileWith('{"keys":[]}')]);
  expect(foreign.program.stdout).toContain('TOKEN=…   from whoever holds the keys');
});
