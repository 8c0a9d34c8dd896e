import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'redis';
import { folder, remove } from './folder.mjs';
import { freePort, Running } from './running.mjs';

/** Appends to a file and syncs it before it answers: what was acknowledged survives its death. */
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Syncs once a second: the last writes may be lost. */
export const NEARLY_DURABLE = ['--appendonly', 'yes', '--appendfsync', 'everysec'];

/** A real redis-server with a folder of its own. */
export class RedisServer {
  #dir;
  /** @type {Running | undefined} */
  #program;

  /** @param {number} port @param {string} dir @param {readonly string[]} args */
  constructor(port, dir, args) {
    this.port = port;
    this.#dir = dir;
    this.args = args;
  }

  /** @param {readonly string[]} [args] - as on redis-server's command line @returns {Promise<RedisServer>} */
  static async start(args = []) {
    const dir = folder('redis');
    const server = new RedisServer(await freePort(), dir, args);
    await server.start();
    return server;
  }

  /** A Sentinel that watches over the master at a port, as `mymaster`, and moves fast. @param {number} master */
  static async sentinel(master) {
    const dir = folder('redis');
    const config = join(dir, 'sentinel.conf');
    const timing = 'sentinel down-after-milliseconds mymaster 300\nsentinel failover-timeout mymaster 3000\n';
    await writeFile(config, `sentinel monitor mymaster 127.0.0.1 ${master} 1\n${timing}`);
    const server = new RedisServer(await freePort(), dir, ['--sentinel']);
    await server.start([config]);
    return server;
  }

  /** Starts it, on what it finds in its folder. @param {readonly string[]} [config] */
  async start(config = ['--save', '']) {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir];
    // A configuration file comes first.
    const args = config.length === 1 ? [...config, ...place, ...this.args] : [...place, ...config, ...this.args];
    this.#program = new Running('redis-server', args);
    await this.#program.until(/Ready to accept connections|\+monitor master/);
  }

  /** Ends it at once, as a crash does. */
  async kill() {
    await this.#program?.kill();
  }

  /** Ends it for good. */
  async end() {
    await this.kill();
    remove(this.#dir);
  }

  /** Stops and continues it as a whole, as a machine that hangs does. @param {'SIGSTOP' | 'SIGCONT'} name */
  signal(name) {
    this.#program?.signal(name);
  }

  /** Runs one command. @param {string[]} args @returns {Promise<unknown>} */
  async run(...args) {
    const client = createClient({ socket: { host: '127.0.0.1', port: this.port } });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }
}
