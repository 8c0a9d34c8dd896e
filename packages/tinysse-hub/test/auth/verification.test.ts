import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportSPKI } from 'jose';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { anonymousGrant, type Grant, OPEN } from '../../src/auth/grant.js';
import { type Expected, quickVerify } from '../../src/auth/hmac.js';
import { importSecret, type KeySources, openKeys } from '../../src/auth/keys.js';
import { Verifier } from '../../src/auth/verifier.js';
import type { Refused } from '../../src/http/answer.js';
import { fileWith, jwksOf, pairOf, SECRET, signedBy, tokenOf } from './tokens.js';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const logged: string[] = [];

async function verifier(sources: Partial<KeySources>, expected: Expected = {}): Promise<Verifier> {
  const keys = await openKeys({ log: (message) => logged.push(message), ...sources });
  return new Verifier(keys!, expected, anonymousGrant([]));
}

const bySecret = (expected?: Expected): Promise<Verifier> => verifier({ secret: bytes(SECRET) }, expected);

/** Why a token is refused. */
async function refusal(one: Verifier, token: string): Promise<string> {
  const answer: Grant | Refused = await (async () => one.verify(token))().catch((error: Refused) => error);
  if (!('status' in answer)) throw new Error('the token was taken');
  return `${answer.status} ${answer.message}`;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const rights = { subscribe: ['*'] };
const now = (): number => Math.floor(Date.now() / 1000);

afterEach(() => {
  vi.useRealTimers();
  logged.length = 0;
});

describe('a token is refused', () => {
  test.each([
    ['', 'not a JWT'],
    ['x', 'not a JWT'],
    ['..', 'not a JWT'],
    ['a.b.c', 'not a JWT'],
    ['a'.repeat(9_000), 'longer than 8192 bytes'],
    [`${part({ alg: 'none' })}.${part({ tinysse: rights })}.`, 'algorithm is not allowed; use HS256'],
    [`${part({ alg: 'NONE' })}.${part({ tinysse: rights })}.`, 'algorithm is not allowed'],
    [`${part({ alg: 'HS256', crit: ['x'], x: 1 })}.${part({ tinysse: rights })}.AAAA`, 'not a JWT'],
  ])('%.60s', async (token, reason) => expect(await refusal(await bySecret(), token)).toContain(reason));

  test('when it was signed with another secret, or changed', async () => {
    const one = await bySecret();
    const other = await tokenOf(rights, { key: bytes('another secret of at least 32 bytes') });
    expect(await refusal(one, other)).toContain('its signature is wrong');
    const [header, , signature] = (await tokenOf({ subscribe: ['mine'] })).split('.');
    expect(await refusal(one, [header, part({ tinysse: rights }), signature].join('.'))).toContain('signature');
  });

  test.each(['HS384', 'HS512'])('when it was signed by %s, though with the right secret', async (alg) => {
    const key = bytes(SECRET.repeat(3));
    const one = await verifier({ secret: key });
    expect(await refusal(one, await tokenOf(rights, { key, header: { alg } }))).toContain('algorithm is not allowed');
  });

  test('when a public key was taken for a secret', async () => {
    const pair = await pairOf('RS256', 'k');
    const jwksFile = fileWith(await jwksOf(pair));
    const key = bytes(await exportSPKI(pair.publicKey));
    const token = await tokenOf(rights, { key, header: { alg: 'HS256', kid: 'k' } });
    expect(await refusal(await verifier({ jwksFile }), token)).toContain('algorithm is not allowed; use RS256');
    expect(await refusal(await verifier({ jwksFile, secret: bytes(SECRET) }), token)).toContain('signature is wrong');
  });

  test('when it carries its own key, or says where one is', async () => {
    const pair = await pairOf('ES256', 'k');
    const one = await verifier({ jwksFile: fileWith(await jwksOf(await pairOf('ES256', 'ours'))) });
    const { keys } = JSON.parse(await jwksOf(pair)) as { keys: [Record<string, string>] };
    for (const header of [{ jwk: keys[0] }, { jku: 'http://127.0.0.1:1/' }, { kid: '../../dev/null' }])
      expect(
        await refusal(one, await tokenOf(rights, { key: pair.privateKey, header: { alg: 'ES256', ...header } })),
      ).toMatch(/^401 /);
  });

  test('before its time, after it, and when it is for somebody else', async () => {
    const one = await bySecret({ issuer: 'us', audience: 'hub' });
    const ours = { iss: 'us', aud: 'hub' };
    expect(await one.verify(await tokenOf(rights, ours))).toBeDefined();
    expect(await refusal(one, await tokenOf(rights, { ...ours, exp: now() }))).toContain('expired');
    expect(await refusal(one, await tokenOf(rights, { ...ours, nbf: now() + 60 }))).toContain('"nbf" does not fit');
    expect(await refusal(one, await tokenOf(rights, { ...ours, iss: 'them' }))).toContain('"iss" does not fit');
    expect(await refusal(one, await tokenOf(rights, { iss: 'us' }))).toContain('"aud" does not fit');
  });

  test('when its clock is further ahead than the leeway; a time to end is exact', async () => {
    const pair = await pairOf('ES256', 'k');
    const expected: Expected = { leewayMs: 5_000 };
    for (const [one, sign] of [
      [await bySecret(expected), (claims: object) => tokenOf(rights, claims)],
      [
        await verifier({ jwksFile: fileWith(await jwksOf(pair)) }, expected),
        (claims: object) => tokenOf(rights, { key: pair.privateKey, header: { alg: 'ES256', kid: 'k' }, ...claims }),
      ],
    ] as const) {
      expect(await one.verify(await sign({ nbf: now() + 4, iat: now() + 4 }))).toBeDefined();
      expect(await refusal(one, await sign({ nbf: now() + 60 }))).toContain('"nbf" does not fit');
      expect(await refusal(one, await sign({ exp: now() }))).toContain('expired');
    }
  });

  test('when it is written otherwise than it was issued', async () => {
    const pair = await pairOf('ES256', 'k');
    const one = await verifier({ jwksFile: fileWith(await jwksOf(pair)), secret: bytes(SECRET) });
    for (const token of [await tokenOf(rights), await signedBy(rights, pair)]) {
      expect(await one.verify(token)).toBeDefined();
      // The last letter of a signature holds unused bits.
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const other = letters[letters.indexOf(token.at(-1) as string) ^ 1] as string;
      for (const text of [`${token}=`, token.slice(0, -1) + other, `${token}+`, token.replace('.', '=.')])
        expect(await refusal(one, text)).toContain('not a JWT');
    }
  });

  test.each([
    ['all', '"tinysse" must be an object'],
    [null, '"tinysse" must be an object'],
    [{ subscribe: '*' }, '"tinysse.subscribe" must be an array'],
    [{ publish: [1] }, '"tinysse.publish" must be an array'],
    [{ admin: 'yes' }, '"tinysse.admin" must be true or false'],
  ])('when its claims have not their shape: %j', async (tinysse, reason) =>
    expect(await refusal(await bySecret(), await tokenOf(tinysse))).toContain(reason),
  );
});

describe('a token of HS256 that is plain', () => {
  test('is verified at once', async () => {
    const one = await bySecret();
    for (const header of [{ alg: 'HS256' }, { alg: 'HS256', typ: 'JWT', kid: 'k' }])
      expect(one.verify(await tokenOf(rights, { header }))).not.toBeInstanceOf(Promise);
  });

  test('and no other is taken without jose', async () => {
    const quick = quickVerify(bytes(SECRET));
    const good = await tokenOf(rights);
    expect(quick(good, {})).toEqual({ tinysse: rights });
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const signed = (header: string): string => {
      const text = `${header}.${payload}`;
      return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
    };
    expect(quick(signed(part({ alg: 'HS256' })), {})).toBeDefined();
    for (const token of [
      signed(part({ alg: 'HS256', crit: ['b64'], b64: false })),
      signed(part({ alg: 'HS512' })),
      signed(part({ alg: 'none' })),
      signed(part({ alg: ['HS256'] })),
      signed(part('HS256')),
      signed(part(null)),
      signed(''),
      signed('%'),
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature.slice(0, -1)}`,
      `${header}.${payload}.${signature}.`,
      `.${header}.${payload}.${signature}`,
      `${header}..${signature}`,
      '..',
      '.',
      '',
    ])
      expect([token, quick(token, {})]).toEqual([token, undefined]);
  });
});

describe('a token that was verified', () => {
  test('is known for a while, yet no longer than it lasts', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const one = await bySecret();
    const token = await tokenOf(rights, { exp: now() + 5, sub: 'alice' });
    expect(await one.verify(token)).toMatchObject({ subject: 'alice', expiresAt: (now() + 5) * 1000 });
    expect(one.verify(token)).not.toBeInstanceOf(Promise);
    vi.setSystemTime(Date.now() + 5_000);
    expect(await refusal(one, token)).toContain('expired');
  });

  test('without rights may do nothing', async () => {
    const grant = await (await bySecret()).verify(await tokenOf(undefined));
    expect([grant.publish.matches('a'), grant.subscribe.matches('a'), grant.admin]).toEqual([false, false, false]);
    expect(OPEN.admin).toBe(true);
  });
});

describe('a sender is told from another', () => {
  test('by the subject and who issued it, however many tokens it has; without one by what was signed', async () => {
    const one = await bySecret();
    const idOf = async (claims: object): Promise<string | undefined> =>
      (await one.verify(await tokenOf(rights, claims))).id;
    const ann = await idOf({ sub: 'ann' });
    expect(ann).toBeDefined();
    expect(await idOf({ sub: 'ann', exp: now() + 60 })).toBe(ann);
    for (const claims of [{ sub: 'bob' }, { sub: 'ann', iss: 'another' }, {}]) expect(await idOf(claims)).not.toBe(ann);
    expect(await idOf({ exp: now() + 60 })).not.toBe(await idOf({ exp: now() + 61 }));
    expect(ann).not.toContain('ann');
  });

  test('not by its signature, of which ES256 has many for the same claims', async () => {
    const pair = await pairOf('ES256', 'k');
    const one = await verifier({ jwksFile: fileWith(await jwksOf(pair)) });
    const [first, second] = [await signedBy(rights, pair), await signedBy(rights, pair)];
    expect(first).not.toBe(second);
    expect((await one.verify(first)).id).toBe((await one.verify(second)).id);
  });
});

describe('a set of keys', () => {
  test('verifies RS256, ES256 and EdDSA, beside a secret', async () => {
    const pairs = await Promise.all(['RS256', 'ES256', 'EdDSA'].map((alg) => pairOf(alg, alg)));
    const one = await verifier({ jwksFile: fileWith(await jwksOf(...pairs)), secret: bytes(SECRET) });
    for (const pair of pairs) expect(await one.verify(await signedBy(rights, pair))).toBeDefined();
    expect(await one.verify(await tokenOf(rights))).toBeDefined();
    expect(await refusal(one, await signedBy(rights, { ...pairs[1]!, kid: 'gone' }))).toContain('no key that fits');
  });

  test('of a file is read again when it changes: former keys are no longer good; nonsense changes nothing', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const [old, fresh] = [await pairOf('ES256', 'old'), await pairOf('ES256', 'fresh')];
    const jwksFile = fileWith(await jwksOf(old));
    const one = await verifier({ jwksFile });
    const [oldToken, freshToken] = [await signedBy(rights, old), await signedBy(rights, fresh)];
    expect(await one.verify(oldToken)).toBeDefined();
    expect(await refusal(one, freshToken)).toContain('no key that fits');

    writeFileSync(jwksFile, 'half of a fi');
    vi.setSystemTime(Date.now() + 2_000);
    expect(await one.verify(oldToken)).toBeDefined();
    expect(logged).toEqual([expect.stringContaining('the former keys stay')]);

    writeFileSync(jwksFile, await jwksOf(fresh));
    vi.setSystemTime(Date.now() + 2_000);
    expect(await one.verify(freshToken)).toBeDefined();
    expect(await refusal(one, oldToken)).toContain('no key that fits');
  });

  test('at a URL is fetched again for a key that is new, but not for every token that names none', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const [old, fresh] = [await pairOf('ES256', 'old'), await pairOf('ES256', 'fresh')];
    const provider = await keyServer(await jwksOf(old));
    const one = await verifier({ jwksUrl: provider.url });
    expect(await one.verify(await signedBy(rights, old))).toBeDefined();
    const unknown = { ...old, kid: 'unknown' };
    for (let i = 0; i < 5; i++)
      expect(await refusal(one, await signedBy({ i }, unknown))).toContain('no key that fits');
    expect(provider.asked).toBe(1);

    provider.body = await jwksOf(old, fresh);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await one.verify(await signedBy(rights, fresh))).toBeDefined();
    expect(provider.asked).toBe(2);
  });

  test('that is away is no fault of the token: 503, asked for at most once a second', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const pair = await pairOf('ES256', 'k');
    const provider = await keyServer(await jwksOf(pair), 500);
    const one = await verifier({ jwksUrl: provider.url });
    const token = await signedBy(rights, pair);
    for (let i = 0; i < 5; i++) expect(await refusal(one, token)).toContain('503 the hub cannot get the keys');
    expect([provider.asked, logged]).toEqual([1, ['the keys cannot be fetched']]);
    provider.status = 200;
    vi.setSystemTime(Date.now() + 1_001);
    expect(await one.verify(token)).toBeDefined();
  });
});

test('a secret that could be guessed is refused with what to do', async () => {
  const { checkSecret } = await import('../../src/auth/keys.js');
  expect(() => checkSecret(bytes('x'.repeat(31)), '--jwt-secret')).toThrow(
    '--jwt-secret has 31 bytes; HS256 needs at least 32: make one with openssl rand -base64 32',
  );
  expect(await importSecret(bytes(SECRET))).toBeDefined();
});

async function keyServer(body: string, status = 200) {
  const provider = { url: new URL('http://127.0.0.1/'), body, status, asked: 0 };
  const server = createServer((_, res) => {
    provider.asked++;
    res.writeHead(provider.status).end(provider.body);
  });
  onTestFinished(() => void server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider.url.port = String((server.address() as AddressInfo).port);
  return provider;
}
