import { get } from 'node:http';
import { frames } from './stream.mjs';

/**
 * @typedef {object} RawOptions
 * @property {import('../ledger/reader.mjs').Reader} reader
 * @property {() => string} origin - where to connect the next time
 * @property {import('../parts/random.mjs').Random} random
 * @property {number} [retryMs] - at most so long it waits to reconnect
 * @property {string} [lastEventId]
 * @property {string} [from] - where it starts while it has no id
 */

/** A stream that is silent for so long, of a hub with a heartbeat of 1 s, is dead. */
const DEAD_MS = 6_000;

/** A plain client of a stream: connects again, with the last id, whatever happens. */
export class RawClient {
  #options;
  /** @type {import('node:http').ClientRequest | undefined} */
  #request;
  /** @type {import('node:http').IncomingMessage | undefined} */
  #response;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #closed = false;
  #away = false;
  #paused = false;
  lastEventId;
  /** How many frames it has taken. */
  frames = 0;

  /** @param {RawOptions} options */
  constructor(options) {
    this.#options = options;
    this.reader = options.reader;
    this.lastEventId = options.lastEventId ?? '';
    this.#connect();
  }

  #connect() {
    const { origin, reader, from = 'latest' } = this.#options;
    const start = this.lastEventId ? '' : `&lastEventId=${from}`;
    const query = reader.channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&') + start;
    const headers = { accept: 'text/event-stream', ...(this.lastEventId && { 'last-event-id': this.lastEventId }) };
    const request = get(`${origin()}/events?${query}`, { headers, agent: false }, (response) => {
      this.#response = response;
      if (response.statusCode !== 200) return void request.destroy();
      reader.connected();
      const take = frames((frame) => {
        if (this.#request !== request) return;
        reader.frame(frame);
        this.frames++;
        if (frame.id) this.lastEventId = frame.id;
      });
      response.setEncoding('utf8').on('data', take);
      response.on('error', () => {});
      response.once('close', () => this.#lost(request));
      if (this.#paused) response.pause();
    });
    this.#request = request;
    request.setTimeout(DEAD_MS, () => this.#paused || request.destroy());
    request.on('error', () => {});
    request.once('close', () => this.#lost(request));
  }

  /** @param {import('node:http').ClientRequest} request */
  #lost(request) {
    if (request !== this.#request) return;
    this.#request = this.#response = undefined;
    if (this.#closed || this.#away) return;
    const { random, retryMs = 500 } = this.#options;
    this.#timer = setTimeout(() => this.#connect(), random.between(1, retryMs));
  }

  /** Drops the connection; it comes back. */
  cut() {
    const request = this.#request;
    if (!request) return;
    request.destroy();
    this.#lost(request);
  }

  /** Drops the connection and stays away until `back`. */
  leave() {
    this.#away = true;
    clearTimeout(this.#timer);
    this.cut();
  }

  back() {
    if (!this.#away || this.#closed) return;
    this.#away = false;
    if (!this.#request) this.#connect();
  }

  /** Stops reading, but keeps the connection. */
  pause() {
    this.#paused = true;
    this.#response?.pause();
  }

  resume() {
    this.#paused = false;
    this.#response?.resume();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#request?.destroy();
    this.#request = undefined;
  }
}
