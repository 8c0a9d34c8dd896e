import { createServer } from 'node:http';

/**
 * The application's server that hubs ask for the present state: per channel, the highest serial number of its events that has been
 * submitted. It is slow, fails and cuts its answers at random.
 */
export class SnapshotServer {
  /** The present state. @type {Map<string, number>} */
  state = new Map();
  /** Whether it answers well. */
  calm = false;
  #random;
  #server = createServer((req, res) => void this.#answer(req, res));

  /** @param {import('./random.mjs').Random} random */
  constructor(random) {
    this.#random = random;
  }

  async open() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
  }

  get url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return `http://127.0.0.1:${port}/snapshot`;
  }

  /** An event was submitted. @param {readonly string[]} channels @param {number} serial */
  write(channels, serial) {
    for (const channel of channels) this.state.set(channel, serial);
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
  #answer(req, res) {
    const channels = new URL(req.url ?? '/', 'http://snapshot').searchParams.getAll('channel');
    const mood = this.calm ? 0 : this.#random.between(0, 19);
    if (mood === 1) return void res.writeHead(503).end();
    if (mood === 2) return void res.destroy();
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const lines = channels.map((channel) =>
      JSON.stringify({ event: 'row', data: `${channel} ${this.state.get(channel) ?? -1}` }),
    );
    if (mood === 3) return void res.write(`${lines[0]}\n`, () => res.destroy());
    if (mood > 5) return void res.end(`${lines.join('\n')}\n`);
    res.write(`${lines[0]}\n`);
    setTimeout(() => res.end(`${lines.slice(1).join('\n')}\n`), this.#random.between(1, 500));
  }
}
