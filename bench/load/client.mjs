import net from 'node:net';
import { threadId } from 'node:worker_threads';
import { Chunks } from './chunks.mjs';
import { MARK, microseconds, Scanner } from './mark.mjs';

// One buffer serves every socket: what a read brings is looked at before the next read.
const BUFFER = Buffer.alloc(64 * 1024);
const RESET = Buffer.from('tinysse:reset');

// Every run, and the second thread of one, has a source address of its own, or ports that the last run left in TIME_WAIT would
// stretch connecting.
const localAddress = `127.${1 + (process.pid % 250)}.${1 + ((process.pid >> 8) % 250)}.${1 + ((Date.now() * 2 + threadId) % 250)}`;
// To look for a port that is free takes the kernel longer the more are in use, over a millisecond in the end.
let nextPort = 10_000;

/** How long a stream may take to begin. */
const PATIENCE_MS = 20_000;

/** What all clients of a run add to. */
export class Tally {
  delivered = 0;
  lastAt = 0;
  /** Latency is measured of events from this number on. */
  from = 0;

  /** @param {import('./histogram.mjs').Histogram} histogram */
  constructor(histogram) {
    this.histogram = histogram;
  }
}

/** One event stream on a raw socket. It keeps the numbers of the events it saw, in order. */
export class Client {
  count = 0;
  numbers = new Int32Array(64);
  open = false;
  closed = false;
  broken = 0;
  /** Places in `numbers` before which the stream told of a gap. */
  resets = [];
  /** Whether its latencies count. */
  timed = true;

  #tally;
  #head = '';
  #chunks;
  #scanner;
  #now = 0;
  #watchResets;
  #tail = Buffer.alloc(0);
  #opened;

  /** @param {{ channels: string[], port: number, path: string, size: number, tally: Tally, headers?: string, lastEventId?: string, watchResets?: boolean }} options */
  constructor({ channels, port, path, size, tally, headers = '', lastEventId, watchResets = false }) {
    this.channels = channels;
    this.#tally = tally;
    this.#watchResets = watchResets;
    this.#scanner = new Scanner(Math.max(size, MARK));
    const query = channels.map((channel) => `channel=${channel}`).join('&');
    const resume = lastEventId === undefined ? '' : `Last-Event-ID: ${lastEventId}\r\n`;
    const request = `GET ${path}?${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n${headers}${resume}\r\n`;
    const onread = { buffer: BUFFER, callback: (length, bytes) => this.#read(bytes, length) };
    this.ready = new Promise((resolve, reject) => {
      this.#opened = resolve;
      this.socket = net.connect(
        { host: '127.0.0.1', port, localAddress, localPort: nextPort++, noDelay: true, onread },
        () => this.socket.write(request),
      );
      this.socket.setTimeout(PATIENCE_MS, () => reject(new Error('a stream did not begin')));
      this.socket.on('error', reject);
      this.socket.on('close', () => {
        this.closed = true;
        reject(new Error(`a stream ended before it began: ${this.#head.slice(0, 200)}`));
      });
    });
  }

  take(number, time) {
    if (this.count === this.numbers.length) {
      const longer = new Int32Array(this.count * 2);
      longer.set(this.numbers);
      this.numbers = longer;
    }
    this.numbers[this.count++] = number;
    const tally = this.#tally;
    tally.delivered++;
    tally.lastAt = this.#now;
    if (this.timed && number >= tally.from) tally.histogram.add(this.#now - time);
  }

  malformed() {
    this.broken++;
  }

  #read(bytes, length) {
    this.#now = microseconds();
    const at = this.open ? 0 : this.#readHead(bytes, length);
    if (!this.open) return true;
    if (this.#chunks) {
      this.#chunks.split(bytes, at, length, this.#body);
      if (this.#chunks.ended) this.closed = true;
    } else this.#body(bytes, at, length);
    return true;
  }

  #body = (bytes, at, end) => {
    if (this.#watchResets) this.#findReset(bytes.subarray(at, end));
    this.#scanner.scan(bytes, at, end, this);
  };

  /** @returns where the body begins */
  #readHead(bytes, length) {
    const before = this.#head.length;
    this.#head += bytes.latin1Slice(0, length);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return length;
    if (!this.#head.startsWith('HTTP/1.1 200')) {
      this.socket.destroy(new Error(`a stream was refused: ${this.#head.slice(0, 300)}`));
      return length;
    }
    if (/^transfer-encoding: *chunked/im.test(this.#head)) this.#chunks = new Chunks();
    this.#head = '';
    this.open = true;
    this.socket.setTimeout(0);
    this.#opened();
    return end + 4 - before;
  }

  #findReset(bytes) {
    const all = this.#tail.length > 0 ? Buffer.concat([this.#tail, bytes]) : bytes;
    // Marks before the reset are of this piece as well; how many does not matter, only that a reset stands nearby.
    const found = all.includes(RESET);
    if (found) this.resets.push(this.count);
    this.#tail = found ? Buffer.alloc(0) : Buffer.from(all.subarray(Math.max(0, all.length - RESET.length + 1)));
  }
}
