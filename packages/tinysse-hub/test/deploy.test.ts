import { execFileSync, execSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { describeWith, program } from '../../tinysse/test/programs.js';
import { commandFlags } from '../src/config.js';
import { longName, variableOf } from '../src/flags.js';
import { SECRET } from './auth/tokens.js';
import { ask } from './http.js';
import { run, startHub } from './program.js';
import { freePort } from './proxies.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** An instruction of a Dockerfile. */
interface Instruction {
  readonly name: string;
  readonly text: string;
}

const instructions: Instruction[] = read('Dockerfile')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ name: line.split(' ', 1)[0] as string, text: line.slice(line.indexOf(' ') + 1) }));
const last = instructions.map(({ name }) => name).lastIndexOf('FROM');
const [build, final] = [instructions.slice(0, last), instructions.slice(last)];
const textOf = (name: string): string => final.find((one) => one.name === name)?.text ?? '';

describe('the Dockerfile', () => {
  test('knows its instructions, has two stages, and leaves the tools of the first behind', () => {
    const known = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|HEALTHCHECK|ENTRYPOINT|CMD)$/;
    for (const { name } of instructions) expect(name).toMatch(known);
    expect(build[0]?.text).toMatch(/ AS build$/);
    expect(final.filter(({ name, text }) => name === 'RUN' && /\bnpm\b/.test(text))).toEqual([]);
    expect(final.filter(({ name }) => name === 'COPY').map(({ text }) => text)).toEqual(['--from=build /app /app']);
  });

  test('runs as nobody special, with data in a volume of that user, a health check, and signals that reach the hub', () => {
    const [user, entry] = [final.findIndex(({ name }) => name === 'USER'), textOf('ENTRYPOINT')];
    expect(final[user]?.text).toBe('node');
    expect(final.slice(user).some(({ name }) => name === 'RUN')).toBe(false);
    expect(textOf('RUN')).toBe('mkdir /data && chown node:node /data');
    expect(textOf('VOLUME')).toBe('/data');
    expect(JSON.parse(entry)).toEqual(['node', 'node_modules/tinysse-hub/bin/tinysse-hub.js']);
    expect(textOf('HEALTHCHECK')).toMatch(/^--interval=30s .* CMD \[/);
    const variables = Object.values(commandFlags.serve).map(({ flag }) => variableOf(flag));
    for (const [, name = ''] of textOf('ENV').matchAll(/(TINYSSE_\w+)=/g)) expect(variables).toContain(name);
  });

  test('makes a hub that others reach, so it does not start without keys, and says so', async () => {
    const { code, stderr } = await run(['serve', '--memory'], { env: { TINYSSE_HOST: '0.0.0.0' } });
    expect([code, stderr]).toEqual([2, expect.stringContaining('without keys everybody may publish and read')]);
  });

  test('has a health check that tells a hub that is ready from one that is not', async () => {
    const check = JSON.parse(/CMD (\[.*\])$/.exec(textOf('HEALTHCHECK'))?.[1] ?? '[]') as string[];
    const { program: hub, port } = await startHub();
    const status = (): number | null =>
      spawnSync(process.execPath, check.slice(1), { env: { TINYSSE_PORT: String(port) } }).status;
    expect([check[0], status()]).toEqual(['node', 0]);
    // Where there is no port to be read, it is the usual one, as for the hub itself.
    const text = check.at(-1) as string;
    const asked = (set: string) =>
      spawnSync(
        process.execPath,
        ['-e', `globalThis.fetch = async (url) => console.log(url) ?? { status: 200 }; ${text}`],
        {
          env: { TINYSSE_PORT: set },
          encoding: 'utf8',
        },
      ).stdout;
    for (const set of ['', 'tcp://10.3.2.1:80']) expect(asked(set)).toBe('http://127.0.0.1:7730/readyz\n');
    await hub.end();
    expect(status()).toBe(1);
  });

  // No Docker here: its commands run in folders that stand for those of the image. They install from the registry.
  const required = process.env.TINYSSE_TEST_REQUIRE === 'all';
  test.skipIf(!required)(
    `builds by commands that give a hub which runs${required ? '' : ' (skipped: needs TINYSSE_TEST_REQUIRE=all)'}`,
    { timeout: 600_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tinysse-image-'));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const inside = (text: string): string => text.replace(/(^|[ =])\/(build|app|tmp)\b/g, `$1${folder}/$2`);
      mkdirSync(join(folder, 'tmp'));
      let cwd = folder;
      const options = () => ({
        cwd,
        stdio: 'pipe' as const,
        env: { ...process.env, npm_config_prefer_offline: 'true' },
      });
      for (const { name, text } of build) {
        if (name === 'WORKDIR') mkdirSync((cwd = inside(text)), { recursive: true });
        if (name === 'COPY') copySources(cwd);
        if (name === 'RUN') execSync(inside(text), options());
      }
      const port = await freePort();
      const env = { TINYSSE_HOST: '127.0.0.1', TINYSSE_PORT: String(port), TINYSSE_JWT_SECRET: SECRET };
      const [, ...entry] = JSON.parse(textOf('ENTRYPOINT')) as string[];
      const args = [...entry, ...(JSON.parse(textOf('CMD')) as string[])];
      const hub = spawn(process.execPath, args, { cwd, env: { ...env, TINYSSE_DATA_DIR: join(folder, 'data') } });
      onTestFinished(() => void hub.kill('SIGKILL'));
      hub.stderr.resume();
      hub.stdout.resume();
      const ready = () =>
        ask(`http://127.0.0.1:${port}/readyz`).then(
          ({ status }) => status === 200,
          () => false,
        );
      while (!(await ready())) expect(hub.exitCode).toBeNull();
      const ended = new Promise((resolve) => hub.once('close', resolve));
      hub.kill('SIGTERM');
      expect(await ended).toBe(0);
    },
  );
});

/** What `COPY . .` brings: what is in the repository, or about to be. */
function copySources(to: string): void {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const path of listed.split('\n').filter(Boolean)) cpSync(join(ROOT, path), join(to, path));
}

describe('the unit of systemd', () => {
  const unit = read('deploy/tinysse-hub.service');
  const settings = new Map(
    unit.split('\n').flatMap((line) => (/^\w+=/.test(line) ? [line.split(/=(.*)/s, 2) as [string, string]] : [])),
  );

  test('raises the limit of files, drains before it is killed, and lets nobody be root', () => {
    expect(Number(settings.get('LimitNOFILE'))).toBeGreaterThan(20_000 + 256);
    const drain = Number.parseInt(commandFlags.serve.drainTimeout.fallback ?? '', 10);
    expect(Number(settings.get('TimeoutStopSec'))).toBeGreaterThan(drain);
    expect(settings.get('DynamicUser')).toBe('yes');
    expect(settings.get('ExecReload')).toContain('-HUP');
  });

  test('gives serve what it understands, with the settings of docs/deployment.md', async () => {
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(read('docs/deployment.md')) ?? [];
    expect(parse(example)).toBeTypeOf('object');
    const folder = mkdtempSync(join(tmpdir(), 'tinysse-unit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [config, secret] = [join(folder, 'tinysse-hub.yaml'), join(folder, 'secret')];
    writeFileSync(config, example);
    writeFileSync(secret, `${SECRET}\n`);
    const [, ...args] = (settings.get('ExecStart') ?? '')
      .replace('/usr/bin/env ', '')
      .replace('/etc/tinysse-hub.yaml', config)
      .split(' ');
    const checked = await run(['check-config', ...args.slice(1)], { env: { TINYSSE_JWT_SECRET_FILE: secret } });
    expect({ code: checked.code, stderr: checked.stderr }).toEqual({ code: 0, stderr: '' });
    expect(args[0]).toBe('serve');
  });
});

describeWith(['systemd-analyze'], 'systemd', () => {
  test('finds nothing wrong with the unit', () => {
    const path = join(ROOT, 'deploy/tinysse-hub.service');
    const { status, stderr } = spawnSync(program('systemd-analyze') as string, ['verify', path], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

test.each(['deployment', 'proxies', 'from-mercure', 'from-centrifugo', 'design'])(
  'docs/%s.md names no flag and no variable that the program does not have',
  (name) => {
    const known = new Set(
      Object.values(commandFlags).flatMap((flags) => Object.values(flags).map(({ flag }) => longName(flag))),
    );
    const text = read(`docs/${name}.md`).replace(/```sh\n.*?```/gs, '');
    const flags = [...text.matchAll(/`(--[a-z-]+)/g)].map(([, flag]) => flag as string);
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
    const variables = [...text.matchAll(/TINYSSE_[A-Z_]+/g)].map(([variable]) => variable);
    const ours = new Set([...known].map((flag) => variableOf(flag)));
    expect(variables.filter((variable) => variable !== 'TINYSSE_' && !ours.has(variable))).toEqual([]);
  },
);
