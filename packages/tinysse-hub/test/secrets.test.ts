import { expect, test } from 'vitest';
import { fileWith, SECRET, tokenOf } from './auth/tokens.js';
import { ask, post, Raw, serve, subscribe } from './http.js';
import { type Program, run, start, startHub } from './program.js';

/** Stands in every password, secret and key of this file. */
const MARK = 's3cr3tMARK';
const [PASSWORD, KEY] = [`p:${MARK}@w`, `${MARK}-${SECRET}`];

const outputOf = async (args: string[], env: Record<string, string> = {}, input = ''): Promise<string> => {
  const { stdout, stderr } = await run(args, { env, input });
  return stdout + stderr;
};

/** Runs of the program that end by themselves: each is given a secret where one may stand, or where one gets by mistake. */
const runs: [args: string | string[], env?: Record<string, string>][] = [
  ['check-config --jwks-url http://idp:PASSWORD@h/keys'],
  ['check-config --jwks-url https://h/keys?api_key=MARK&v=1'],
  ['check-config --snapshot-url http://app:PASSWORD@h/state'],
  ['check-config --snapshot-url https://h/state?api_key=MARK'],
  ['check-config --redis redis://user:PASSWORD@h:6379'],
  ['check-config --redis redis://user:PASSWORD@h:x'],
  ['check-config', { TINYSSE_REDIS: `redis://user:${PASSWORD}@h/nonsense` }],
  ['check-config', { TINYSSE_JWKS_URL: `http://:${PASSWORD}@h/` }],
  ['check-config', { TINYSSE_JWT_SECERT: KEY }],
  ['check-config', { TINYSSE_JWT_SECRET: KEY }],
  ['check-config --jwt-secret MARK'],
  ['check-config --jwt-secert=MARK'],
  [['check-config', '--jwt-secrt=top MARK words']],
  [['check-config', "--jwt-secrt=it's MARK"]],
  [['check-config', '--jwt-secrt=two\nMARK lines']],
  [['check-config', '--jwt-secrt MARK']],
  ['check-config --jwt.secret=MARK'],
  [['jwt-secret=MARK']],
  ['check-config --jwks-url user:PASSWORD@host/keys'],
  ['check-config --jwks-url https:user:PASSWORD@host/keys'],
  ['check-config --jwks-url https:host/keys?api_key=MARK'],
  ['check-config --jwks-url https://host/keys#MARK'],
  ['check-config --redis redis:user:PASSWORD@host'],
  ['check-config --snapshot-url user:PASSWORD@host/state'],
  ['publish a b --url user:PASSWORD@127.0.0.1:1'],
  ['check-config --jwks-file FILE'],
  ['check-config --config FILE'],
  ['check-config --config YAML'],
  ['check-config --config ALIAS'],
  ['check-config --data-dir redis://user:PASSWORD@h --memory'],
  ['serve --jwks-url http://idp:PASSWORD@h/keys'],
  ['serve --redis redis://user:PASSWORD@127.0.0.1:1 --port 0'],
  ['publish a b --url http://user:PASSWORD@127.0.0.1:1'],
  ['publish a b --url http://127.0.0.1:1/?token=MARK'],
  ['publish a b --url http://127.0.0.1:1', { TINYSSE_TOKEN: MARK }],
  ['publish a b', { TINYSSE_TOKEN: `no token ${MARK}` }],
  ['tail http://user:PASSWORD@127.0.0.1:1/events'],
  ['tail a --url http://user:PASSWORD@127.0.0.1:1'],
  ['tail a', { TINYSSE_TOKEN: `no token ${MARK}` }],
  ['token --subscribe a', { TINYSSE_JWT_SECRET: MARK }],
  ['token --jwt-secret MARK --jwt-secret-file FILE --subscribe a'],
  ['token --jwt-secret=MARK'],
];

test.each(runs)('no output shows a secret: %s', async (line, env) => {
  const files: Record<string, string> = {
    FILE: KEY,
    YAML: `port: 1\njwt-secret: "${MARK}\\q"\nredis: !${MARK} x\n`,
    ALIAS: `jwt-secret: *${MARK}\n`,
  };
  const args = (typeof line === 'string' ? line.split(' ') : line).map((word) => {
    const text = files[word];
    return text === undefined ? word.replace('PASSWORD', PASSWORD).replace('MARK', MARK) : fileWith(text);
  });
  const output = await outputOf(args, env);
  expect(output).not.toBe('');
  expect(output).not.toContain(MARK);
});

test('what is left of a message about an unknown option still says which', async () => {
  const unknown = await outputOf(['check-config', `--jwt-secrt=it's ${MARK}`]);
  expect(unknown).toBe("error: unknown option '--jwt-secrt=…'\n");
  expect(await outputOf(['check-config', '--jwt-secrt'])).toContain("'--jwt-secrt' (Did you mean --jwt-secret?)\n");
});

test('what is left of a URL still says where', async () => {
  const checked = await outputOf(['check-config', '--jwks-url', `https://h/keys?api_key=${MARK}`]);
  expect(checked).toContain('# jwks-url: https://h/keys?api_key=… (not shown in full) # flag\n');
  const refused = await outputOf(['check-config', '--jwks-url', `https://idp:${PASSWORD}@h/keys`]);
  expect(refused).toBe('error: --jwks-url https://…@h/keys: must not hold a user or a password\n');
});

test('a hub shows no secret: not in its log, its welcome, its answers or its metrics', {
  timeout: 60_000,
}, async () => {
  const provider = await serve((_, res) => res.writeHead(302, { location: `/keys?code=${MARK}` }).end());
  const snapshots = `http://127.0.0.1:${provider}/state?api_key=${MARK}`;
  for (const format of ['json', 'text']) {
    const { url, port, program } = await startHub([
      ...['--jwt-secret', KEY, '--jwks-url', `http://127.0.0.1:${provider}/keys?api_key=${MARK}`],
      ...['--log-format', format, '--log-level', 'debug', '--anonymous', 'open'],
      ...['--snapshot-url', snapshots],
    ]);
    const key = new TextEncoder().encode(KEY);
    const token = await tokenOf({ subscribe: ['a'], publish: ['a'] }, { key, sub: 'ann' });
    const [header, signature] = ['{"alg":"ES256","kid":"k"}', MARK].map((text) =>
      Buffer.from(text).toString('base64url'),
    );
    const foreign = `${header}.${token.split('.')[1]}.${signature}`;
    const answers: string[] = [];
    const note = async (path: string, headers: Record<string, string> = {}, body?: string): Promise<void> => {
      const answer = body === undefined ? await ask(url + path, { headers }) : await post(url + path, body, headers);
      answers.push(answer.text, JSON.stringify(answer.headers));
    };
    const stream = await subscribe(port, `channel=a&access_token=${token}`);
    for (const shown of [token, foreign, MARK]) {
      await note(`/events?channel=b&access_token=${shown}`, { accept: 'text/event-stream' });
      await note('/events?channel=b', { authorization: `Bearer ${shown}` });
      await note('/events?channel=b', { cookie: `access_token=${shown}` });
      await note('/publish?channel=b', { authorization: `Bearer ${shown}` }, 'x');
      await note(`/nope?access_token=${shown}`);
    }
    await note('/events?channel=a', { authorization: `Basic ${MARK}` });
    await note('/metrics');
    const absolute = new Raw(port, `GET http://u:${PASSWORD}@127.0.0.1/x?y=${MARK} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await absolute.until('"}}');
    stream.socket.destroy();
    await program.until(({ stderr }) => stderr.includes('disconnected'));
    await program.end('SIGTERM');
    const all = [...answers, absolute.received, program.stdout, program.stderr].join('\n');
    expect(program.stderr).toContain('ann');
    expect(program.stderr).toContain('answered with status 302');
    for (const secret of [MARK, token, token.split('.')[2] as string, foreign, signature as string])
      expect(all).not.toContain(secret);
  }
});

test('tail shows no token of the URL it is given, nor its own', async () => {
  const { url } = await startHub(['--jwt-secret', KEY]);
  const token = await tokenOf({ subscribe: ['a'] }, { key: new TextEncoder().encode(KEY) });
  const tails: [string[], Record<string, string>?][] = [
    [[`${url}/events?channel=a&access_token=${token}`]],
    [['a', '--url', url, '--token', token]],
    [['a', '--url', url], { TINYSSE_TOKEN: token }],
  ];
  for (const [args, env] of tails) {
    const program: Program = start(['tail', ...args], env);
    await program.until(({ stderr }) => stderr.includes('connected to'));
    expect(program.stderr).toContain('/events?channel=a');
    expect(program.stdout + program.stderr).not.toContain(token);
  }
  const refused = await outputOf(['tail', `${url}/events?channel=b&access_token=${token}`]);
  expect(refused).toContain('may not subscribe');
  expect(refused).not.toContain(token);
});
