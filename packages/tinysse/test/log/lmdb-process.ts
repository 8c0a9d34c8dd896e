import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { onTestFinished } from 'vitest';

const folder = fileURLToPath(new URL('../../.tmp/', import.meta.url));
const program = `${folder}lmdb-child.mjs`;

/** Makes the child's program of the sources as they are. */
export function buildChild(): void {
  mkdirSync(folder, { recursive: true });
  buildSync({
    entryPoints: [fileURLToPath(new URL('./lmdb-child.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['tinysse-source'],
    external: ['lmdb'],
  });
}

/** Runs a child to its end, where no file may be longer than so many blocks. @returns the lines it said */
export async function runLimited(blocks: number, ...args: string[]): Promise<string[]> {
  const command = ['-c', 'ulimit -f "$0" && exec "$@"', String(blocks), process.execPath, program, ...args];
  // What lmdb-js writes to the console is nobody's concern here.
  const child = spawn('sh', command, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return (await text(child.stdout)).trimEnd().split('\n');
}

/** Runs a child to its end. @returns the lines it said */
export async function run(...args: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return (await text(child.stdout)).trimEnd().split('\n');
}

/** A child that has a log. */
export class Child {
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #waiting = (): void => {};

  constructor(...args: string[]) {
    this.#process = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#process.stdout! });
    lines.on('line', (line) => {
      this.lines.push(line);
      this.#waiting();
    });
    this.#ended = Promise.all([once(this.#process, 'exit'), once(lines, 'close')]);
    onTestFinished(() => void this.#process.kill('SIGKILL'));
  }

  /** Resolves when it has said so many lines. */
  said(lines: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = () => this.lines.length >= lines && resolve();
      this.#ended.then(() => reject(new Error('the child has ended')));
      this.#waiting();
    });
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(name);
  }

  /** Kills it in the middle of what it does. Then `lines` is all that it ever said. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
