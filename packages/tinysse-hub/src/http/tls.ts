import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Failure, reasonOf } from '../problems.js';

/** Where a certificate and its key are, in PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads a certificate and its key. @throws Failure when a file cannot be read, or the two do not fit */
export function readPair({ cert, key }: TlsFiles): TlsPair {
  const pair = { cert: read('--tls-cert', cert), key: read('--tls-key', key) };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new Failure(`${cert} and ${key} are no certificate and key of one another: ${reasonOf(error)}`);
  }
  return pair;
}

function read(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Failure(`${flag} ${path}: ${reasonOf(error)}`);
  }
}
