import { connect, createServer } from 'node:net';

/** @typedef {number | (() => number)} Target - a port of this machine, perhaps another for each connection */

/** A TCP proxy in front of a server, to be cut, stalled and pointed elsewhere. */
export class Relay {
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  #server;
  #target;
  #open = true;
  #stalled = false;

  /** @param {import('node:net').Server} server @param {Target} target */
  constructor(server, target) {
    this.port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
    this.#server = server;
    this.#target = target;
    server.on('connection', (near) => this.#join(near));
  }

  /** @param {Target} target @returns {Promise<Relay>} */
  static async start(target) {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    return new Relay(server, target);
  }

  /** @param {import('node:net').Socket} near */
  #join(near) {
    near.on('error', () => {});
    if (!this.#open) return void near.destroy();
    const far = connect(typeof this.#target === 'number' ? this.#target : this.#target(), '127.0.0.1');
    far.on('error', () => {});
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(one);
      // Never more on the way than the sockets hold: whoever does not read is felt at the other end.
      one.on('data', (bytes) => {
        if (!other.write(bytes)) one.pause();
      });
      other.on('drain', () => {
        if (!this.#stalled) one.resume();
      });
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      if (this.#stalled) one.pause();
    }
  }

  /** Ends every connection and refuses new ones. */
  cut() {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Takes connections again, for another server if one is named. @param {Target} [target] */
  restore(target = this.#target) {
    this.#target = target;
    this.#open = true;
  }

  /** Connections stay, but nothing passes. */
  stall() {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  flow() {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close() {
    this.cut();
    this.#server.close();
  }
}
