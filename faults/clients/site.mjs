import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { json } from 'node:stream/consumers';

const PAGE = readFileSync(new URL('./page.html', import.meta.url));

/**
 * @typedef {object} Visitor - one page in one browser
 * @property {string} name
 * @property {readonly string[]} channels
 * @property {import('../ledger/reader.mjs').Reader} reader - of its present EventSource
 * @property {number} generation - counts its EventSources
 * @property {boolean} renew - whether it shall open a new one
 * @property {Set<import('node:http').ServerResponse>} streams
 */

/** Where browsers go: pages that report what they see, and the hub's streams, which can be cut. */
export class Site {
  /** @type {Map<string, Visitor>} */
  visitors = new Map();
  #ledger;
  #hub;
  #heals;
  #server = createServer((req, res) => void this.#answer(req, res).catch(() => res.destroy()));
  refuses = false;

  /**
   * @param {import('../ledger/ledger.mjs').Ledger} ledger @param {() => string} hub - where a stream goes
   * @param {() => boolean} heals - whether a snapshot follows every reset
   */
  constructor(ledger, hub, heals) {
    this.#heals = heals;
    this.#ledger = ledger;
    this.#hub = hub;
  }

  async open() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
    return this;
  }

  /** @param {string} name @param {readonly string[]} channels @returns {string} the address of its page */
  page(name, channels) {
    const reader = this.#ledger.reader(name, channels);
    this.visitors.set(name, { name, channels, reader, generation: 1, renew: false, streams: new Set() });
    const query = channels.map((channel) => `channel=${channel}`).join('&');
    return `${this.#url}/?${new URLSearchParams({ name, query, heals: String(this.#heals()) })}`;
  }

  /** The address of a page that holds pages of this and other sites. @param {readonly string[]} pages */
  frames(pages) {
    return `${this.#url}/frames?${new URLSearchParams(pages.map((page) => ['page', page]))}`;
  }

  get #url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
    return `http://127.0.0.1:${port}`;
  }

  /** Ends the streams of a visitor, in the middle. @param {Visitor} visitor */
  cut({ streams }) {
    for (const stream of streams) stream.destroy();
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** @param {import('node:http').IncomingMessage} req @param {import('node:http').ServerResponse} res */
  async #answer(req, res) {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://site');
    if (pathname === '/report') return void res.end(JSON.stringify(this.#report(/** @type {any} */ (await json(req)))));
    if (pathname !== '/events') {
      res.setHeader('content-type', 'text/html');
      const pages = searchParams
        .getAll('page')
        .map((page) => `<iframe src="${page.replaceAll('&', '&amp;')}"></iframe>`);
      return void res.end(pathname === '/frames' ? pages.join('') : PAGE);
    }
    if (this.refuses) return void res.destroy();
    const visitor = this.visitors.get(new URL(req.headers.referer ?? '', 'http://site').searchParams.get('name') ?? '');
    const hub = new URL(req.url ?? '/', this.#hub());
    const passed = request(hub, { headers: { ...req.headers, host: hub.host }, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      visitor?.streams.add(res);
      answer.on('error', () => {});
      answer.pipe(res);
      // Without its end: so a browser sees a connection that broke.
      answer.once('close', () => answer.complete || res.destroy());
    });
    passed.on('error', () => res.destroy());
    res.once('close', () => {
      passed.destroy();
      visitor?.streams.delete(res);
    });
    passed.end();
  }

  /** @param {{ name: string, sent: { generation: number, event: string, id?: string, data?: string }[] }} report */
  #report({ name, sent }) {
    const visitor = this.visitors.get(name);
    if (!visitor) return {};
    for (const { generation, event, id, data } of sent) {
      if (generation < visitor.generation) continue;
      if (generation > visitor.generation) {
        visitor.generation = generation;
        visitor.reader.leave();
        visitor.reader = this.#ledger.reader(`${name} ${generation}`, visitor.channels);
      }
      if (event === 'open') visitor.reader.connected();
      else if (event === 'dead') visitor.reader.gaveUp();
      else visitor.reader.frame({ id, event: event === 'message' ? undefined : event, data });
    }
    const { renew } = visitor;
    visitor.renew = false;
    return { renew };
  }
}
