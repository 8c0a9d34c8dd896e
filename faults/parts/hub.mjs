import { createHmac } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { freePort, Running } from './running.mjs';

const PROGRAM = fileURLToPath(new URL('../../packages/tinysse-hub/bin/tinysse-hub.js', import.meta.url));
const CLOCK = new URL('./stepped-clock.mjs', import.meta.url).href;
const SECRET = 'a secret of the ledger test, 32 bytes or more';
const ALWAYS = [
  '--host',
  '127.0.0.1',
  '--jwt-secret',
  SECRET,
  '--anonymous',
  '*',
  // Behind relays, at other ports.
  '--allow-host',
  '127.0.0.1',
  '--heartbeat',
  '1s',
  '--log-level',
  'warn',
];

/** @param {unknown} part */
const base64 = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const unsigned = `${base64({ alg: 'HS256' })}.${base64({ tinysse: { publish: ['*'], subscribe: ['*'], admin: true } })}`;
/** May do everything at every hub. */
export const TOKEN = `${unsigned}.${createHmac('sha256', SECRET).update(unsigned).digest('base64url')}`;

/** A hub at a port of its own, that is killed and started again. */
export class Hub {
  /** @type {Running | undefined} */
  #program;
  /** Whether it is meant to be up. */
  #wanted = false;
  clocked = false;

  /** @param {string} name @param {number} port @param {readonly string[]} store - its flags @param {(what: string) => void} failed */
  constructor(name, port, store, failed) {
    this.name = name;
    this.port = port;
    this.store = store;
    this.failed = failed;
  }

  /** @param {string} name @param {readonly string[]} store @param {(what: string) => void} failed - told when it ends by itself */
  static async at(name, store, failed) {
    return new Hub(name, await freePort(), store, failed);
  }

  /** @param {{ clocked?: boolean }} [options] - with a clock that can be stepped */
  async start({ clocked = false } = {}) {
    const args = [
      ...(clocked ? ['--import', CLOCK] : []),
      PROGRAM,
      'serve',
      '--port',
      String(this.port),
      ...ALWAYS,
      ...this.store,
    ];
    const program = new Running(process.execPath, args, { stdin: clocked });
    this.#program = program;
    this.clocked = clocked;
    this.#wanted = true;
    void program.ended.then((code) => {
      if (this.#wanted && this.#program === program)
        this.failed(`${this.name} ended by itself with ${code}: ${program.said}`);
    });
    await program.until(/Look at it: /);
  }

  /** kill -9. */
  async kill() {
    this.#wanted = false;
    await this.#program?.kill();
  }

  /** SIGTERM: it lets its clients go and ends. */
  async drain() {
    this.#wanted = false;
    this.#program?.signal('SIGTERM');
    const code = await this.#program?.ended;
    if (code !== 0) this.failed(`${this.name} ended with ${code} after SIGTERM: ${this.#program?.said}`);
  }

  /** @param {'SIGSTOP' | 'SIGCONT'} name */
  signal(name) {
    this.#program?.signal(name);
  }

  /** Steps its clock. @param {number} ms */
  step(ms) {
    this.#program?.child.stdin?.write(`${ms}\n`);
  }

  /** A second one on the same store, which must not come up. @returns {Promise<string>} what it said */
  async second() {
    const program = new Running(process.execPath, [PROGRAM, 'serve', '--port', '0', ...ALWAYS, ...this.store]);
    const late = setTimeout(() => program.signal('SIGKILL'), 20_000);
    const code = await program.ended;
    clearTimeout(late);
    return `${code} ${program.said}`;
  }
}
