import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSSEServer, type SSEError, type SSEServer, type SSEServerOptions } from 'tinysse';
import { createFakeClock, type FakeClock } from 'tinysse/testing';
import { onTestFinished } from 'vitest';

/** A server that listens until the test has finished. @param port - default: any that is free */
export async function listen(
  listener: RequestListener,
  port = 0,
): Promise<{ url: string; port: number; http: Server }> {
  const http = createServer(listener);
  await new Promise<void>((resolve, reject) => http.once('error', reject).listen(port, '127.0.0.1', resolve));
  onTestFinished(() => closeNow(http));
  const address = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, http };
}

/** Closes a server and every connection of it. */
export function closeNow(http: Server): Promise<void> {
  return new Promise((resolve) => {
    http.close(() => resolve());
    http.closeAllConnections();
  });
}

/** What a {@link createSSEServer} told its logger: one array of arguments per call. */
export type Logged = unknown[][];

/** A server of streams without a socket; what it logs is collected. */
export function unbound(options: SSEServerOptions = {}): { sse: SSEServer; logged: Logged } {
  const logged: Logged = [];
  const sse = createSSEServer({ logger: (...args) => logged.push(args), ...options });
  onTestFinished(() => sse.close({ drainMs: 1 }));
  return { sse, logged };
}

export interface Running {
  sse: SSEServer;
  logged: Logged;
  url: string;
  port: number;
  http: Server;
}

/** A server of streams behind node:http. Every client is subscribed to `all` unless the options say otherwise. */
export async function start(
  options: SSEServerOptions = {},
  listener?: (sse: SSEServer) => RequestListener,
): Promise<Running> {
  const { sse, logged } = unbound({ channelProvider: { resolveChannels: () => ['all'] }, ...options });
  return { sse, logged, ...(await listen(listener?.(sse) ?? sse.handler)) };
}

/** Timers that only a test moves, while turns of the event loop stay real: sockets need those. */
export function stoppedClock(): FakeClock {
  return Object.assign(createFakeClock(), { soon: (run: () => void) => void setImmediate(run) });
}

/** A promise and what settles it. */
export function later<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Matches an SSEError by its code. */
export const code = (name: SSEError['code'], more: Partial<SSEError> = {}) => ({
  name: 'SSEError',
  code: name,
  ...more,
});
