import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/tinysse-hub.js', import.meta.url));
const PATIENCE_MS = 20_000;

/** What the person who runs the tests has set must not change what they see. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TINYSSE_')));

/** A run of the program, or of the one in another file. */
export class Program {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | string>;
  #changed: () => void = () => {};

  constructor(args: readonly string[], env: Record<string, string> = {}, file?: string) {
    const [command, ...first] = file === undefined ? [process.execPath, BIN] : [file];
    this.child = spawn(command, [...first, ...args], { env: { ...ENVIRONMENT, ...env } });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    // A program that ends before it has read its input is no error of the test's.
    this.child.stdin.on('error', () => {});
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#changed();
      return (code ?? signal) as number | string;
    });
    const abandon = (): void => void this.child.kill('SIGKILL');
    process.once('exit', abandon);
    void this.ended.then(() => process.off('exit', abandon));
  }

  /** Waits until what the program has printed is so. */
  async until(is: (program: this) => boolean): Promise<void> {
    const late = Date.now() + PATIENCE_MS;
    let over = false;
    void this.ended.then(() => (over = true));
    while (!is(this)) {
      const left = late - Date.now();
      if (over || left <= 0)
        throw new Error(`${over ? 'ended' : 'waited'} in vain.\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }

  /** Ends it with a signal. @returns the exit code, or the signal that it died of */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | string> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Starts the program, or another one; it is ended when the test is, at the latest. */
export function start(args: readonly string[], env?: Record<string, string>, file?: string): Program {
  const program = new Program(args, env, file);
  onTestFinished(async () => void (await program.end()));
  return program;
}

/** Arguments of `sh` that do something first, such as to set limits, and then run the program. */
const inShell = (first: string, args: readonly string[]): string[] => [
  '-c',
  `${first}; exec "$0" "$@"`,
  process.execPath,
  BIN,
  ...args,
];

/** Runs the program to its end. */
export async function run(
  args: readonly string[],
  { input = '', env, shell }: { input?: string | Uint8Array; env?: Record<string, string>; shell?: string } = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const program = shell === undefined ? start(args, env) : start(inShell(shell, args), env, 'sh');
  program.child.stdin.end(input);
  const code = await program.ended;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A hub that has said where it is. */
export interface Hub {
  readonly program: Program;
  readonly url: string;
  readonly port: number;
}

const STORES = ['--memory', '--data-dir', '--redis'];

/** Starts a hub, on any free port and in memory unless the arguments say otherwise. Whoever calls it ends it. */
export async function openHub(args: readonly string[] = [], shell?: string): Promise<Hub> {
  const where = args.includes('--port') ? [] : ['--port', '0'];
  const store = STORES.some((flag) => args.includes(flag)) ? [] : ['--memory'];
  const serve = ['serve', ...where, ...store, ...args];
  const program = shell === undefined ? new Program(serve) : new Program(inShell(shell, serve), {}, 'sh');
  const place = /Look at it: (https?:\/\/\S+:(\d+))\/\n/;
  await program.until(({ stdout, stderr }) => place.test(stdout) && stderr.includes('listening'));
  const [, url = '', port] = place.exec(program.stdout) ?? [];
  return { program, url, port: Number(port) };
}

/** Starts a hub that is ended when the test is, at the latest. */
export async function startHub(args?: readonly string[], shell?: string): Promise<Hub> {
  const hub = await openHub(args, shell);
  onTestFinished(async () => void (await hub.program.end()));
  return hub;
}
