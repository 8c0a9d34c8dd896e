import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createSSEClient } from '../../src/client/client.js';
import type { SSEClient, SSEClientOptions } from '../../src/client/index.js';
import { createFakeClock, type FakeClock } from '../../src/testing/fake-clock.js';

/** One request that a test answers by hand. */
export interface Connection {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  /** Answers with an event stream, and with this text at once. */
  open(text?: string): Connection;
  write(text: string): void;
  /** Answers with a status and ends. */
  refuse(status: number, headers?: http.OutgoingHttpHeaders): void;
  end(): void;
  /** Resolves when the client is gone. */
  gone: Promise<void>;
}

/** A server of event streams on a real socket, whose every answer is written by the test. */
export interface Source {
  url: string;
  /** The next request, when it has come. */
  next(): Promise<Connection>;
  /** How many requests have come. */
  readonly count: number;
}

export const EPOCH = '0123456789abcdef';
/** A cursor of the epoch that the tests use. */
export const at = (offset: number, epoch = EPOCH): string => `${epoch}-${offset}`;
/** A message frame at a cursor. */
export const frame = (offset: number, data = `m${offset}`): string => `id: ${at(offset)}\ndata: ${data}\n\n`;
/** A position frame: the stream stands at `offset`. */
export const position = (offset: number, heartbeatMs = 15_000): string =>
  `event: tinysse:position\nid: ${at(offset)}\ndata: ${heartbeatMs}\n\n`;

export async function createSource(host = '127.0.0.1'): Promise<Source> {
  const arrived: Connection[] = [];
  const waiting: ((connection: Connection) => void)[] = [];
  let count = 0;
  const server = http.createServer((request, response) => {
    count++;
    const connection: Connection = {
      request,
      response,
      open(text = '') {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*' });
        response.flushHeaders();
        if (text) response.write(text);
        return connection;
      },
      write: (text) => void response.write(text),
      refuse: (status, headers = {}) => void response.writeHead(status, headers).end(),
      end: () => void response.end(),
      gone: new Promise((resolve) => response.on('close', resolve)),
    };
    const take = waiting.shift();
    if (take) take(connection);
    else arrived.push(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/events`,
    next: () => {
      const connection = arrived.shift();
      return connection ? Promise.resolve(connection) : new Promise((resolve) => waiting.push(resolve));
    },
    get count() {
      return count;
    },
  };
}

/** A client on a fake clock, with everything that it said, in order. */
export interface Watched {
  client: SSEClient;
  clock: FakeClock;
  /** `open`, `state`, `m1`, `reset evicted`, `CODE willRetry`. */
  log: string[];
}

/** A client of `endpoint` on a fake clock; its backoff is not spread unless `random` says so. */
export function watch(endpoint: string, options: Partial<SSEClientOptions> = {}, random = () => 1): Watched {
  const clock = createFakeClock();
  const client = createSSEClient({ endpoint, ...options }, clock, random);
  const log: string[] = [];
  client.onOpen(() => log.push('open'));
  client.onMessage((message) => log.push(message.data));
  client.onReset((reset) => log.push(`reset ${reset.reason}`));
  client.onError((error) => log.push(`${error.code} ${error.willRetry ? 'retries' : 'ends'}`));
  onTestFinished(() => client.close());
  return { client, clock, log };
}
