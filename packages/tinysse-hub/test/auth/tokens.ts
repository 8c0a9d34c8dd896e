import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';

export const SECRET = 'a secret of the tests, 32 bytes or more';

type Key = Parameters<SignJWT['sign']>[0];

/** A token, signed with the tests' secret unless a key is given. */
export function tokenOf(
  tinysse: unknown,
  {
    key = new TextEncoder().encode(SECRET),
    header = { alg: 'HS256' },
    ...claims
  }: {
    key?: Key;
    header?: JWTHeaderParameters;
    exp?: number;
    sub?: string;
    iss?: string;
    aud?: string;
    nbf?: number;
    iat?: number;
  } = {},
): Promise<string> {
  return new SignJWT({ ...claims, ...(tinysse !== undefined && { tinysse }) }).setProtectedHeader(header).sign(key);
}

export const bearing = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

export interface Pair extends GenerateKeyPairResult {
  readonly kid: string;
  readonly alg: string;
}

export async function pairOf(alg: string, kid: string): Promise<Pair> {
  return { ...(await generateKeyPair(alg, { extractable: true })), kid, alg };
}

/** A set of public keys, as an identity provider shows it. */
export async function jwksOf(...pairs: Pair[]): Promise<string> {
  const keys = await Promise.all(
    pairs.map(async ({ publicKey, kid, alg }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })),
  );
  return JSON.stringify({ keys });
}

export const signedBy = (tinysse: unknown, { privateKey, kid, alg }: Pair): Promise<string> =>
  tokenOf(tinysse, { key: privateKey, header: { alg, kid } });

/** A file that is gone when the test is. */
export function fileWith(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'tinysse-auth-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'file');
  writeFileSync(path, text);
  return path;
}
