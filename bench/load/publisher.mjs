import net from 'node:net';
import { marked } from './mark.mjs';

/** Publishes numbered events over keep-alive connections, one request at a time on each. */
export class Publisher {
  sent = 0;
  answered = 0;
  refused = 0;
  /** The server's own number of each event, where its answers tell. */
  ranks = [];
  /** The last id that the server answered. */
  lastId = undefined;
  /** Told how long each answer took. @type {(tookMs: number) => void} */
  onAnswer = () => {};

  #options;
  #idle = [];
  #finished = () => {};
  #limit = 0;
  #rate = 0;
  #began = 0;
  #until = 0;
  #first = 0;
  #targets = undefined;

  /**
   * @param {{ port: number, path: string, size: number, connections: number, headers?: string,
   *   targetsOf: (number: number) => string[], onSend: (targets: string[]) => void }} options
   */
  constructor(options) {
    this.#options = options;
  }

  async connect() {
    const { port, connections, headers = '' } = this.#options;
    const lines = Array.from(
      { length: connections },
      () => new Line(port, headers, (line, answer) => this.#answered(line, answer)),
    );
    await Promise.all(lines.map((line) => line.ready));
    this.#idle = lines;
  }

  /**
   * Publishes `count` events, `rate` a second or as fast as they are answered, and begins none after `mostMs`: what a
   * server does not keep up with must not take for ever. @param targets - instead of what the plan says
   * @returns how many, when all are answered
   */
  async publish(count, rate = 0, mostMs = Number.POSITIVE_INFINITY, targets = undefined) {
    if (count === 0) return 0;
    this.#targets = targets;
    this.#first = this.sent;
    this.#limit = this.sent + count;
    this.#rate = rate;
    this.#began = performance.now();
    this.#until = this.#began + mostMs;
    await new Promise((resolve) => {
      this.#finished = resolve;
      this.#pump();
    });
    return this.sent - this.#first;
  }

  #pump = () => {
    if (performance.now() > this.#until) {
      this.#limit = this.sent;
      if (this.answered === this.sent) this.#finished();
      return;
    }
    const due =
      this.#rate > 0 ? this.#first + 1 + ((performance.now() - this.#began) / 1000) * this.#rate : this.#limit;
    const until = Math.min(this.#limit, Math.floor(due));
    while (this.sent < until && this.#idle.length > 0) this.#send(this.#idle.pop());
    if (this.#rate > 0 && this.sent < this.#limit) setTimeout(this.#pump, 1);
  };

  #send(line) {
    const { path, size, targetsOf, onSend } = this.#options;
    const number = this.sent++;
    const targets = this.#targets ?? targetsOf(number);
    onSend(targets);
    line.sentAt = performance.now();
    line.send(number, `${path}?${targets.map((channel) => `channel=${channel}`).join('&')}`, marked(number, size));
  }

  #answered(line, { ok, body }) {
    this.onAnswer(performance.now() - line.sentAt);
    if (!ok) this.refused++;
    const id = /"id":"([^"]*?(\d+))"/.exec(body);
    if (id) {
      this.ranks[line.number] = Number(id[2]);
      this.lastId = id[1];
    }
    this.answered++;
    this.#idle.push(line);
    if (this.answered === this.#limit) this.#finished();
    else if (this.#rate === 0) this.#pump();
  }
}

/** One publishing connection. */
class Line {
  number = 0;
  sentAt = 0;
  #socket;
  #port;
  #headers;
  #text = '';

  constructor(port, headers, answered) {
    this.#port = port;
    this.#headers = headers;
    this.ready = new Promise((resolve, reject) => {
      this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true }, resolve);
      this.#socket.on('error', reject);
    });
    this.#socket.setEncoding('latin1').on('data', (text) => {
      this.#text += text;
      const answer = completeAnswer(this.#text);
      if (!answer) return;
      this.#text = '';
      answered(this, answer);
    });
  }

  send(number, target, data) {
    this.number = number;
    this.#socket.write(
      `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nContent-Type: text/plain\r\nContent-Length: ${data.length}\r\n${this.#headers}\r\n${data}`,
    );
  }
}

function completeAnswer(text) {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head));
  const complete = length ? text.length >= head + 4 + Number(length[1]) : text.endsWith('0\r\n\r\n');
  return complete ? { ok: text.startsWith('HTTP/1.1 2'), body: text.slice(head + 4) } : undefined;
}
