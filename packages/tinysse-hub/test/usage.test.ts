import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandFlags } from '../src/config.js';
import { run } from './program.js';

const commands = { ...commandFlags, 'check-config': commandFlags.serve };
const longName = (flag: string): string => /--[a-z-]+/.exec(flag)?.[0] ?? '';

describe('help', () => {
  test('names the commands, an example of each, and the exit codes', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const text of ['tinysse-hub serve', 'tinysse-hub tail demo', "tinysse-hub publish demo 'hello'", 'Exit codes'])
      expect(stdout).toContain(text);
  });

  test.each(Object.entries(commands))('of %s names every flag, its variable and its default', async (name, flags) => {
    const { code, stdout } = await run([name, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:\n');
    const text = stdout.replace(/\s+/g, ' ');
    for (const { flag, fallback } of Object.values(flags)) {
      expect(text).toContain(flag);
      expect(text).toContain(`TINYSSE_${longName(flag).slice(2).replaceAll('-', '_').toUpperCase()}`);
      if (fallback !== undefined) expect(text).toContain(`(default: ${fallback})`);
    }
  });

  test('goes to stderr when no command is named', async () => {
    expect(await run([])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage: tinysse-hub') });
  });

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('what is not understood is one line that names it, and exit code 2', () => {
  test.each([
    ['serv', "error: unknown command 'serv' (Did you mean serve?)"],
    ['--bogus', "error: unknown option '--bogus'"],
    ['serve --prot 1', "error: unknown option '--prot' (Did you mean --port?)"],
    ['serve --port', "error: option '--port <number>' argument missing"],
    ['serve --port 65536', 'error: --port 65536: must be a whole number from 0 to 65535'],
    [
      'serve --host 0.0.0.0',
      'error: --host 0.0.0.0: without keys everybody may publish and read, so the hub listens on this machine only',
    ],
    ['serve --host example.org', 'error: --host example.org: without keys'],
    ['serve --retain-events 0', 'error: --retain-events 0: must be a whole number of at least 1'],
    ['serve --retain-age 5', 'error: --retain-age 5: must be a number with a unit (ms, s, m, h or d)'],
    ['serve --retain-bytes 64mb', 'error: --retain-bytes 64mb: must be a number with a unit'],
    ['serve --memory --redis redis://h', 'error: --data-dir, --memory and --redis exclude each other'],
    ['serve --memory --new-epoch', 'error: --new-epoch is for --data-dir'],
    ['serve --redis redis://h --new-epoch', 'error: --new-epoch is for --data-dir'],
    ['serve --redis localhost:6379', 'error: --redis …: must be a URL as in redis://localhost:6379'],
    ['serve --redis redis://h/x', 'error: --redis …: must be a URL as in redis://localhost:6379'],
    ['serve --heartbeat 0s', 'error: --heartbeat 0s: must be a number with a unit'],
    ['serve --log-level loud', 'error: --log-level loud: must be one of debug, info, warn, error, silent'],
    ['serve --anonymous news', 'error: --anonymous news: without keys everybody may do everything'],
    ['serve --cors-origin *', 'error: --cors-origin *: without keys every page could publish'],
    ['serve --cors-origin app.example.com', 'error: --cors-origin app.example.com: must be an origin as in https://'],
    ['serve --cors-origin https://a.example/', 'error: --cors-origin https://a.example/: must be an origin'],
    ['serve --cors-origin https://*.example', 'error: --cors-origin https://*.example: must be an origin'],
    ['serve --allow-host https://h', 'error: --allow-host https://h: must be a host name'],
    ['serve --max-event-size 9MiB', 'error: --max-event-size 9MiB: must be at most 8MiB'],
    ['serve --max-clients many', 'error: --max-clients many: must be a whole number of at least 1'],
    ['serve --publish-rate 0.5', 'error: --publish-rate 0.5: must be a whole number of at least 1'],
    ['serve --trusted-proxy proxy', 'error: --trusted-proxy proxy: must be an address or a network, as in 10.0.0.1'],
    ['serve --trusted-proxy 10.0.0.0/33', 'error: --trusted-proxy 10.0.0.0/33: must be an address or a network'],
    ['serve --request-timeout 30d', 'error: --request-timeout 30d: must be at most 1h'],
    ['serve --stall-timeout 60', 'error: --stall-timeout 60: must be a number with a unit'],
    ['serve --jwt-issuer me', 'error: --jwt-issuer and --jwt-audience are for tokens, which need a key'],
    ['serve --jwt-secret x --jwt-secret-file y', 'error: --jwt-secret and --jwt-secret-file: give one of the two'],
    ['serve --jwks-url http://h/ --jwks-file y', 'error: --jwks-url and --jwks-file: give one of the two'],
    ['serve --snapshot-url h/state', 'error: --snapshot-url h/state: must be a URL that begins http:// or https://'],
    ['serve --snapshot-url http://a:b@h/', 'error: --snapshot-url http://…@h/: must not hold a user or a password'],
    ['serve --snapshot-url http://h/ --control-events off', 'error: --snapshot-url needs --control-events on'],
    [
      'serve --snapshot-url http://h/ --replay-all-on-connect',
      'error: --snapshot-url and --replay-all-on-connect: both',
    ],
    ['serve --snapshot-timeout 5', 'error: --snapshot-timeout 5: must be a number with a unit'],
    ['serve --max-snapshots 0', 'error: --max-snapshots 0: must be a whole number of at least 1'],
    ['serve --max-snapshot-size 1', 'error: --max-snapshot-size 1: must be a number with a unit'],
    ['publish', "error: missing required argument 'channel'"],
    ['publish a b c', 'error: too many arguments'],
    ['publish a b --url 127.0.0.1:7730', 'error: --url 127.0.0.1:7730: must be a URL that begins http:// or https://'],
    ['publish a b --url http://h/?x', 'error: --url http://h/?x: must be where the hub is'],
    ['publish a b --lines', 'error: --lines reads the events from stdin; leave DATA out'],
    ['tail', "error: missing required argument 'target'"],
    ['tail a http://h/', 'error: name channels or one URL, not both'],
    ['tail http://', 'error: http://: must be a URL'],
  ])('%s', async (args, message) => {
    const { code, stdout, stderr } = await run(args.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.match(/\n/g)).toHaveLength(1);
  });

  test('a log named in the environment and another one by a flag', async () => {
    const { code, stderr } = await run(['serve', '--memory'], { env: { TINYSSE_DATA_DIR: 'data' } });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'error: --data-dir, --memory and --redis exclude each other, also in the environment and in a file; leave one\n',
    });
  });

  test.each([
    ['TINYSSE_PORT', 'x', ['serve']],
    ['TINYSSE_HOST', 'no host', ['serve']],
    ['TINYSSE_JWKS_URL', 'example.org', ['serve']],
    ['TINYSSE_RETAIN_EVENTS', '1.5', ['serve']],
    ['TINYSSE_RETAIN_AGE', 'long', ['serve']],
    ['TINYSSE_RETAIN_BYTES', '-1B', ['serve']],
    ['TINYSSE_MEMORY', 'perhaps', ['serve']],
    ['TINYSSE_NEW_EPOCH', 'perhaps', ['serve']],
    ['TINYSSE_HEARTBEAT', '15', ['serve']],
    ['TINYSSE_MAX_CONNECTIONS_PER_ADDRESS', '0', ['serve']],
    ['TINYSSE_MAX_PENDING_BYTES', '64', ['serve']],
    ['TINYSSE_REQUEST_TIMEOUT', 'soon', ['serve']],
    ['TINYSSE_LOG_LEVEL', 'INFO', ['serve']],
    ['TINYSSE_URL', 'hub', ['publish', 'a', 'b']],
    ['TINYSSE_LINES', 'perhaps', ['publish', 'a']],
    ['TINYSSE_JSON', 'perhaps', ['tail', 'a']],
  ])('%s=%s', async (variable, value, args) => {
    const { code, stderr } = await run(args, { env: { [variable]: value } });
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^error: ${variable}=${value.replace('.', '\\.')}: .*\n$`));
  });
});
