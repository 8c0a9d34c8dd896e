import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request,
} from 'node:http';
import { onTestFinished } from 'vitest';

/** An event as it stood on the wire; fields that were not sent are undefined. */
export interface Frame {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
  comment?: string;
}

/** Text that arrives in pieces, and waiting for what it comes to. */
export abstract class Incoming {
  text = '';
  ended = false;
  /** Why it ended, when that was not the peer's orderly end. */
  error: Error | undefined;
  #waiting: (() => void)[] = [];

  protected add(text: string): void {
    this.text += text;
    this.#tell();
  }

  protected end(error?: Error): void {
    this.ended = true;
    this.error ??= error;
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const check of waiting) check();
  }

  /** Resolves when `ready` says so; rejects when the end has come without. */
  until(ready: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (ready()) resolve();
        else if (this.ended)
          reject(new Error(`ended${this.error ? ` (${this.error})` : ''} after: ${this.text.slice(-500)}`));
        else this.#waiting.push(check);
      };
      check();
    });
  }

  /** Resolves at the end. */
  async toEnd(): Promise<this> {
    await this.until(() => this.ended);
    return this;
  }
}

/** A response whose body is read as it comes. Reads frames in its own way, so that nothing tests itself. */
export class Stream extends Incoming {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly #request: ClientRequest;

  constructor(request: ClientRequest, response: IncomingMessage) {
    super();
    this.#request = request;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    const decoder = new TextDecoder();
    response.on('data', (bytes: Uint8Array) => this.add(decoder.decode(bytes, { stream: true })));
    response.on('end', () => this.end());
    response.on('error', (error: Error) => this.end(error));
    response.on('close', () => this.end());
  }

  get frames(): Frame[] {
    return framesOf(this.text);
  }

  /** Events that somebody published or that a source gave: not the server's own. */
  get events(): Frame[] {
    return this.frames.filter(({ event, data }) => data !== undefined && !event?.startsWith('tinysse:'));
  }

  /** The data of {@link Stream.events}. */
  get data(): (string | undefined)[] {
    return this.events.map(({ data }) => data);
  }

  /** The server's own events of one kind. */
  control(kind: 'position' | 'reset'): Frame[] {
    return this.frames.filter(({ event }) => event === `tinysse:${kind}`);
  }

  /** Resolves when an event with this data has arrived. */
  async got(data: string): Promise<Frame> {
    await this.until(() => this.data.includes(data));
    return this.events.find((event) => event.data === data) as Frame;
  }

  /** The client leaves. */
  leave(): void {
    this.#request.destroy();
  }
}

/** Frames of wire text, the last one only when it is complete. */
export function framesOf(text: string): Frame[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const frame: Record<string, string> = {};
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        const [field, value] = [line.slice(0, colon) || 'comment', line.slice(colon + 1).replace(/^ /, '')];
        frame[field] = field in frame ? `${frame[field]}\n${value}` : value;
      }
      return frame;
    });
}

export interface OpenOptions extends RequestOptions {
  body?: string;
  /** Go on after this. */
  lastEventId?: string;
}

/** Requests over HTTP/1.1 as an EventSource does; resolves when headers have arrived. */
export async function open(url: string, { body, lastEventId, headers, ...options }: OpenOptions = {}): Promise<Stream> {
  const sent = request(url, {
    agent: false,
    headers: { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }), ...headers },
    ...options,
  });
  onTestFinished(() => void sent.destroy());
  sent.end(body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
  sent.on('error', () => {});
  return new Stream(sent, response);
}

/** A client that takes the headers and reads nothing more until `resume` is called. */
export async function openUnread(url: string): Promise<IncomingMessage> {
  const sent = request(url, { agent: false, headers: { accept: 'text/event-stream' } }).end();
  onTestFinished(() => void sent.destroy());
  sent.on('error', () => {});
  return new Promise((resolve) => sent.once('response', resolve));
}
