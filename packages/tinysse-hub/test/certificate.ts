import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { program } from '../../tinysse/test/programs.js';

/** Where a certificate and its key are. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A certificate for this machine that nobody has signed. */
export function makeCertificate(folder: string, name: string): Pair {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const subject = '-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1';
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
  const args = [...`${kind} ${subject}`.split(' '), '-keyout', key, '-out', cert];
  execFileSync(program('openssl') as string, args, { stdio: 'ignore' });
  return { cert, key };
}

/** One that is gone when the test is. */
export function certificate(): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return makeCertificate(folder, 'one');
}
