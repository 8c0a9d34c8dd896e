import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Programs that are running. */
const all = new Set();
process.once('exit', () => {
  for (const program of all) program.signal('SIGKILL');
});

/** What the person who runs this has set must not change what the programs do. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TINYSSE_')));
const KEPT = 8_000;

/** A program that was started; it and all that it has started end with this process at the latest. */
export class Running {
  /** The last that it has said. */
  said = '';
  /** The first. */
  #first = '';
  /** Its code or signal, when it has ended. @type {number | string | undefined} */
  code;

  /** @param {string} command @param {readonly string[]} args @param {{ stdin?: boolean }} [options] */
  constructor(command, args, { stdin = false } = {}) {
    this.name = command;
    // A group of its own: browsers are many processes.
    this.child = spawn(command, args, {
      detached: true,
      env: environment,
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    all.add(this);
    this.child.once('error', (error) => {
      this.said += error.message;
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (text) => {
        this.said = `${this.said}${text}`.slice(-KEPT);
        if (this.#first.length < KEPT) this.#first += text;
      });
    this.child.stdin?.on('error', () => {});
    /** @type {Promise<number | string>} */
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => this.#gone(code ?? signal),
      () => this.#gone('not started'),
    );
  }

  /** @param {number | string} code */
  #gone(code) {
    all.delete(this);
    return (this.code = code);
  }

  /** Waits until it has said something. @param {RegExp} what @throws when it ends or takes too long */
  async until(what, ms = 30_000) {
    const late = performance.now() + ms;
    while (!what.test(this.#first)) {
      if (this.code !== undefined || performance.now() > late)
        throw new Error(
          `${this.name} ${this.code === undefined ? 'is not ready' : `ended with ${this.code}`}: ${this.said}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, name);
    } catch {
      // It has ended.
    }
  }

  /** Ends it at once, as a crash does. */
  async kill() {
    this.signal('SIGKILL');
    await this.ended;
  }
}

/** Ends every program. */
export const killAll = () => Promise.all([...all].map((program) => program.kill()));

/** A port that nothing listens on. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
