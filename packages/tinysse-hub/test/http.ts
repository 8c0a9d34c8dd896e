import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type RequestOptions,
  request,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Sends a request with any headers at all, which fetch would not. */
export function ask(url: string, options: RequestOptions = {}, body?: string | Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject).end(body);
  });
}

/** Publishes as curl does, whose `-d` calls everything a form. */
export function post(url: string, body: string | Uint8Array, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return ask(
    url,
    { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } },
    body,
  );
}

export function errorOf({ text }: Answer): { code: string; message: string } {
  return (JSON.parse(text) as { error: { code: string; message: string } }).error;
}

export const idOf = ({ text }: Answer): string => (JSON.parse(text) as { id: string }).id;

/** A socket that has sent `text`, and what has come back on it. */
export class Raw {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;
  #changed: () => void = () => {};

  constructor(port: number, text: string) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.write(text);
    this.socket.setEncoding('utf8').on('data', (chunk: string) => {
      this.received += chunk;
      this.#changed();
    });
    // To be cut off is what some tests are about.
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) =>
      this.socket.once('close', () => {
        resolve();
        this.#changed();
      }),
    );
    onTestFinished(() => void this.socket.destroy());
  }

  async until(text: string): Promise<void> {
    while (!this.received.includes(text)) {
      if (this.socket.destroyed) throw new Error(`closed without ${text}: ${this.received}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
  }
}

/** A subscriber whose stream has begun. */
export async function subscribe(port: number, query: string, headers = ''): Promise<Raw> {
  const raw = new Raw(port, `GET /events?${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`);
  await raw.until('tinysse:position');
  return raw;
}

/** A server of the test's own, which ends with it. @returns its port */
export async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}
