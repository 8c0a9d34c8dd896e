import { createHmac } from 'node:crypto';
import { SECRET } from '../auth/tokens.js';
import type { Random } from './random.js';

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A value where another one is expected. */
function odd(random: Random, depth = 0): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => random.text(),
    () => random.chance(0.5),
    () => random.pick([-1, 0, 1e308, -1e308, 2 ** 53, Number.NaN, 1.5, Date.now()]),
    () => Array.from({ length: random.number(4) }, () => (depth > 3 ? 0 : odd(random, depth + 1))),
    () => ({
      [random.pick(['a', '__proto__', 'constructor', 'toString', ''])]: depth > 3 ? 0 : odd(random, depth + 1),
    }),
  ])();
}

/** A token: many are signed with the right secret and make no sense, others make sense and are not. */
export function token(random: Random): string {
  const header = random.pick<unknown>([
    { alg: 'HS256' },
    { alg: 'HS256', typ: 'JWT', kid: odd(random) },
    { alg: random.pick(['none', 'HS512', 'RS256', 'EdDSA', '', 'hs256']), crit: odd(random) },
    { alg: 'HS256', crit: random.pick<unknown>([['exp'], [], 'b64', ['b64']]), b64: false },
    { alg: 'HS256', jku: 'http://127.0.0.1:1/', jwk: odd(random), x5c: odd(random), zip: 'DEF' },
    odd(random),
    random.text(),
  ]);
  const time = Math.floor(Date.now() / 1_000);
  const payload = random.pick<unknown>([
    { exp: time + 60, tinysse: { publish: ['a'], subscribe: ['a', 'b*'] } },
    { exp: odd(random), nbf: odd(random), iat: odd(random), tinysse: odd(random) },
    { tinysse: { publish: odd(random), subscribe: odd(random), admin: odd(random) }, sub: odd(random) },
    { exp: random.pick([time, time - 1, 1e15, -5]), tinysse: { subscribe: ['*'], publish: ['*'] } },
    odd(random),
    random.text(200),
  ]);
  const signed = `${part(header)}.${part(payload)}`;
  const signature = createHmac('sha256', random.chance(0.6) ? SECRET : 'another')
    .update(signed)
    .digest('base64url');
  const whole = `${signed}.${signature}`;
  return random.pick([
    whole,
    whole,
    whole,
    mutate(random, whole),
    'a.b.c',
    '..',
    random.text(60),
    'x'.repeat(random.number(20_000)),
  ]);
}

/** A token that is good for channel `a`. */
export function goodToken(): string {
  const claims = { tinysse: { publish: ['a'], subscribe: ['a'], admin: true } };
  const signed = `${part({ alg: 'HS256' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}

/** Changes, takes out and puts in characters. */
export function mutate(random: Random, text: string): string {
  let mutant = text;
  for (let n = 1 + random.number(4); n > 0; n--) {
    const at = random.number(mutant.length + 1);
    const put = random.pick([
      '',
      '',
      random.text(1),
      '\r\n',
      '\n',
      '\0',
      ':',
      ' ',
      '%',
      '&',
      '='.repeat(random.number(5)),
      mutant.slice(0, at),
    ]);
    mutant = mutant.slice(0, at) + put + mutant.slice(at + random.number(4));
  }
  return mutant;
}

export function query(random: Random): string {
  const names = [
    'channel',
    'channel',
    'channel',
    'event',
    'key',
    'lastEventId',
    'access_token',
    'topic',
    'prefix',
    'limit',
    'after',
    '',
  ];
  const value = (): string =>
    random.pick<() => string>([
      () => 'a',
      () => encodeURIComponent(random.text().replace(/[\ud800-\udfff]/g, '')),
      () => random.pick(['%', '%zz', '%ff', '%00', '%0d%0a', '%ed%a0%80', '+', '=', '%C0%AE', 'tinysse:reset', '*']),
      () => random.bytes(random.number(10)).toString('latin1').replace(/[\s#]/g, ''),
      () =>
        random.pick([
          '0-0',
          '-1',
          `${'f'.repeat(16)}-9`,
          `${'0'.repeat(16)}-9007199254740993`,
          'earliest',
          'latest',
          '-',
        ]),
      () => 'x'.repeat(random.number(2_000)),
      () => encodeURIComponent(token(random).replace(/[^\x20-\x7e]/g, '')),
    ])();
  const few = random.chance(0.95) ? random.number(5) : random.number(300);
  const pairs = Array.from(
    { length: few },
    () => `${random.pick(names)}${random.pick(['=', '=', '=', '', '=='])}${value()}`,
  );
  return pairs.length > 0 || random.chance(0.5) ? `?${pairs.join(random.pick(['&', '&', '&', '&&', ';']))}` : '';
}

export function body(random: Random): Buffer {
  const line = (): string =>
    random.pick<() => string>([
      () => JSON.stringify({ channels: ['a'], data: 'x' }),
      () => JSON.stringify({ channels: odd(random), data: odd(random), event: odd(random), key: odd(random) }),
      () => JSON.stringify(odd(random)) ?? '',
      () => mutate(random, JSON.stringify({ channels: ['a', 'b'], data: random.text(), key: 'k' })),
      () => random.pick(['[', '{"a":', '[0,', '"', '\\"']).repeat(random.number(5_000)),
      () => random.pick(['', '\r', '\ufeff', ' ']),
      () => '{"channels":["a"],"data":"\\ud800","__proto__":{"key":"k"}}',
    ])();
  return random.pick<() => Buffer>([
    () => Buffer.alloc(0),
    () => Buffer.from(Array.from({ length: random.number(20) }, line).join(random.pick(['\n', '\r\n', '\r', '']))),
    () => random.bytes(random.number(300)),
    () => Buffer.from(random.text(100)),
    () => Buffer.from(`topic=${random.text()}&data=${random.text()}`),
    () => Buffer.alloc(random.chance(0.05) ? 1_100_000 : random.number(5_000), 'x'),
  ])();
}
