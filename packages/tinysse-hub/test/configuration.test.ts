import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { configurationDoc } from '../../../scripts/configuration.mjs';
import { commandFlags } from '../src/config.js';
import { longName, variableOf } from '../src/flags.js';
import { run, startHub } from './program.js';

/** A file that is gone when the test is. */
function file(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const check = (args: string[], env?: Record<string, string>) =>
  run(['check-config', ...args], env ? { env } : {}).then(({ stdout, ...rest }) => ({
    ...rest,
    stdout,
    settings: parse(stdout) as Record<string, unknown>,
  }));

test('a flag goes before its variable, that before the file, and that before the default', async () => {
  const path = file('hub.yaml', 'port: 1\nheartbeat: 1s\nretain-events: 1\n');
  const { code, stdout } = await check(['--config', path, '--port', '3'], {
    TINYSSE_PORT: '2',
    TINYSSE_HEARTBEAT: '2s',
    TINYSSE_RETAIN_EVENTS: '',
  });
  expect(code).toBe(0);
  expect(stdout).toContain('port: "3" # flag\n');
  expect(stdout).toContain('heartbeat: 2s # environment\n');
  expect(stdout).toContain('retain-events: "1" # file\n');
  expect(stdout).toContain('retain-age: 24h # default\n');
});

test.each([
  ['hub.yaml', '# a comment\nheartbeat: 7s\nport: 0\n'],
  ['hub.json', '{ "heartbeat": "7s", "port": 0 }'],
])('serve takes %s', async (name, text) => {
  const path = file(name, text);
  const { url } = await startHub(['--config', path, '--port', '0']);
  const answer = await fetch(`${url}/events?channel=a`);
  const { value } = (await answer.body?.getReader().read()) ?? {};
  expect(new TextDecoder().decode(value)).toContain('event: tinysse:position\ndata: 7000\n');
});

test('the variable TINYSSE_CONFIG names the file too', async () => {
  const { settings } = await check([], { TINYSSE_CONFIG: file('hub.yaml', 'port: 8080') });
  expect(settings).toMatchObject({ port: '8080' });
});

test('check-config checks keys too, and shows no secret', async () => {
  const secret = 'a secret that is long enough for anybody';
  const { code, stdout } = await check(['--anonymous', 'public:*'], { TINYSSE_JWT_SECRET: secret });
  expect(code).toBe(0);
  expect(stdout).toContain('# jwt-secret: (not shown) # environment\n');
  expect(stdout).toContain('anonymous:\n  - public:* # flag\n');
  expect(stdout).not.toContain(secret);
  expect(await check(['--host', '0.0.0.0'])).toMatchObject({ code: 2, stdout: '' });
});

test('what check-config prints is a configuration file that says the same', async () => {
  const { stdout } = await check(['--retain-age', '7d', '--port', '8080']);
  const again = await check(['--config', file('hub.yaml', stdout)]);
  expect(again.code).toBe(0);
  expect(again.settings).toEqual(parse(stdout));
});

test('a text of the file that looks like a number or a boolean is taken as it is written', async () => {
  const path = file('hub.yaml', 'jwt-issuer: 1.10\njwt-audience: True\nanonymous: [0x1F, 1e3]\n');
  const { stdout } = await check(['--config', path], {
    TINYSSE_JWT_SECRET: 'a secret that is long enough for anybody',
  });
  expect(stdout).toContain('jwt-issuer: "1.10" # file\n');
  expect(stdout).toContain('jwt-audience: "True" # file\n');
  expect(parse(stdout)).toMatchObject({ anonymous: ['0x1F', '1e3'] });
});

describe('one line and exit code 2 for a file that', () => {
  test.each([
    ['has an unknown setting', 'prot: 8080', 'unknown setting "prot"; did you mean "port"?'],
    ['has a setting in another spelling', 'retainAge: 7d', 'unknown setting "retainAge"; did you mean "retain-age"?'],
    ['names another file', 'config: other.yaml', 'unknown setting "config"'],
    ['has a value that its flag refuses', 'retain-age: 5', 'retain-age: 5: must be a number with a unit'],
    ['has a list for one value', 'port: [1, 2]', 'port: must be one value, not a list'],
    ['has a value of no use', 'port: { a: 1 }', 'port: must be a text, a number, true or false'],
    ['has a setting without a value', 'port:', 'port: must be a text, a number, true or false'],
    ['has null for a value', 'jwt-issuer: null', 'jwt-issuer: must be a text, a number, true or false'],
    ['has ~ for a value', 'jwt-issuer: ~', 'jwt-issuer: must be a text, a number, true or false'],
    ['says a setting twice', 'port: 1\nport: 2', 'unique'],
    ['is no list of settings', '- port', 'must hold settings'],
    ['is broken', '{ "port": ', ''],
  ])('%s', async (_, text, message) => {
    const path = file('hub.yaml', text);
    const { code, stdout, stderr } = await check(['--config', path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.startsWith(`error: ${path}: `)).toBe(true);
    expect(stderr).toContain(message);
    expect(stderr.match(/\n/g)).toHaveLength(1);
  });

  test('is not there', async () => {
    const { code, stderr } = await check(['--config', '/nowhere/hub.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: \/nowhere\/hub\.yaml: ENOENT.*\n$/);
  });
});

test('docs/configuration.md is what `npm run docs` makes of the flags', () => {
  const doc = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  expect(doc, 'run: npm run build && npm run docs').toBe(configurationDoc(commandFlags));
});

test('every flag is used in a test beside those of its messages', () => {
  const folder = new URL('.', import.meta.url);
  const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'usage.test.ts')
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  // On the command line, in the environment, or as the setting that a part of the program takes.
  const ways = (name: string, flag: string): string[] => [
    `'${longName(flag)}'`,
    `${longName(flag)} `,
    `'${flag.split(',', 1)[0]}'`,
    `${variableOf(flag)}:`,
    `${name}: `,
  ];
  const flags = Object.values(commandFlags).flatMap((table): [string, { flag: string }][] => Object.entries(table));
  const unused = flags.filter(([name, { flag }]) => !ways(name, flag).some((text) => tests.includes(text)));
  expect(unused.map(([name]) => name)).toEqual([]);
});
