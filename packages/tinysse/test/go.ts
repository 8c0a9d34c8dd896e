import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { program } from './programs.js';

const run = promisify(execFile);

/** Only what stands in the folder is built, by the Go that is there. */
const SETTINGS = { GOTOOLCHAIN: 'local', GOFLAGS: '-buildvcs=false', GOPROXY: 'off', CGO_ENABLED: '0', GOWORK: 'off' };

/** The standard library is compiled too, the first time. */
export const GO_BUILD_MS = 300_000;

/** What `go build` made, until it is removed. */
export interface Built {
  readonly file: string;
  remove(): Promise<void>;
}

/** Builds a Go program for this machine, or for browsers. @param folder - its URL */
export async function buildGo(folder: URL, target: Record<string, string> = {}): Promise<Built> {
  const made = await mkdtemp(join(tmpdir(), 'tinysse-go-'));
  const file = join(made, 'program');
  const env = { ...process.env, ...SETTINGS, ...target };
  await run(program('go')!, ['build', '-o', file, '.'], { cwd: fileURLToPath(folder), env });
  return { file, remove: () => rm(made, { recursive: true }) };
}

/** The script that Go's distribution has for running its programs in a page. */
export async function wasmScript(): Promise<string> {
  const { stdout } = await run(program('go')!, ['env', 'GOROOT'], { env: { ...process.env, ...SETTINGS } });
  // It moved with Go 1.24.
  const places = ['lib', 'misc'].map((folder) => join(stdout.trim(), folder, 'wasm', 'wasm_exec.js'));
  return readFile(places[0]!, 'utf8').catch(() => readFile(places[1]!, 'utf8'));
}
