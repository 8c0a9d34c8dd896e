import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { Incoming } from './stream.js';

/** A TCP connection that sends and shows text as it is. */
export class RawClient extends Incoming {
  readonly socket: Socket;

  constructor(port: number) {
    super();
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => this.add(bytes.toString('latin1')));
    this.socket.on('error', (error) => this.end(error));
    this.socket.on('close', () => this.end());
    onTestFinished(() => void this.socket.destroy());
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Resolves when `text` has arrived. */
  got(text: string): Promise<void> {
    return this.until(() => this.text.includes(text));
  }

  /** Everything before the first body byte. */
  get head(): string {
    return this.text.slice(0, this.text.indexOf('\r\n\r\n') + 4);
  }

  get body(): string {
    return this.text.slice(this.head.length);
  }
}

/** A GET request as text. */
export const get = (path = '/', headers: Record<string, string> = {}, version = '1.1'): string =>
  [`GET ${path} HTTP/${version}`, 'Host: localhost', ...Object.entries(headers).map((h) => h.join(': ')), '', ''].join(
    '\r\n',
  );

/** The content of a chunked body; throws where the framing is wrong. A chunk that has not arrived whole is left out. */
export function dechunk(body: string): { text: string; ended: boolean; rest: string } {
  let text = '';
  let at = 0;
  for (;;) {
    const end = body.indexOf('\r\n', at);
    if (end < 0) return { text, ended: false, rest: body.slice(at) };
    const size = body.slice(at, end);
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`no chunk size: ${JSON.stringify(size.slice(0, 80))}`);
    const length = Number.parseInt(size, 16);
    const next = end + 2 + length + 2;
    if (body.length < next) return { text, ended: false, rest: body.slice(at) };
    if (body.slice(next - 2, next) !== '\r\n') throw new Error(`chunk of ${length} bytes does not end in CRLF`);
    if (length === 0) return { text, ended: true, rest: body.slice(next) };
    text += body.slice(end + 2, next - 2);
    at = next;
  }
}
