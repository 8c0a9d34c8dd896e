import { createServer, type RequestListener, type Server } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failure } from '../problems.js';
import { readPair, type TlsFiles } from './tls.js';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** With it the listener speaks HTTP/2 and HTTP/1.1 over TLS, else HTTP/1.1. */
  readonly tls?: TlsFiles | undefined;
}

/** A port that is open. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly url: string;
  /** Begins to answer. @param broken - answers what is not HTTP */
  answer(app: RequestListener, broken: (error: Error, socket: Duplex) => void): void;
  /** Takes the certificate from its files again. @throws Failure; the one before stays */
  reload(): void;
  /** Takes no more connections. @returns resolves when the last has gone */
  close(): Promise<void>;
  /** Ends connections that wait for a next request. */
  closeIdle(): void;
  closeAll(): void;
}

// A subscriber of many channels names them all in its URL.
const HEADER_BYTES = 64 * 2 ** 10;
/** Streams of one HTTP/2 connection, and the megabytes that they may hold back. */
const HTTP2_STREAMS = 1_000;
const HTTP2_MEMORY_MB = 64;

/** @throws Failure when the port cannot be had, or the certificate cannot be used */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { tls } = options;
  const parts = tls ? secure(tls) : plain();
  const place = await bind(parts.server, options);
  const { server } = parts;
  return {
    ...parts,
    ...place,
    url: `${tls ? 'https' : 'http'}://${place.address}:${place.port}`,
    answer(app, broken) {
      // The request and response of HTTP/2 have the members that the app uses of those of HTTP/1.1.
      const listener = app as (...args: unknown[]) => void;
      (server as Server).on('request', listener).on('checkContinue', listener);
      server.on(tls ? 'tlsClientError' : 'clientError', tls ? (_, socket) => socket.destroy() : broken);
      if (tls) server.on('clientError', broken);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

type Parts = Pick<Listener, 'reload' | 'closeIdle' | 'closeAll'> & { readonly server: Server | Http2SecureServer };

function plain(): Parts {
  const server = createServer({ keepAliveTimeout: 65_000, maxHeaderSize: HEADER_BYTES });
  return {
    server,
    reload() {},
    closeIdle: () => server.closeIdleConnections(),
    closeAll: () => server.closeAllConnections(),
  };
}

function secure(files: TlsFiles): Parts {
  const server = createSecureServer({
    ...readPair(files),
    allowHTTP1: true,
    maxHeaderSize: HEADER_BYTES,
    maxSessionMemory: HTTP2_MEMORY_MB,
    settings: { maxConcurrentStreams: HTTP2_STREAMS, maxHeaderListSize: HEADER_BYTES },
  } as Parameters<typeof createSecureServer>[0]);
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  return {
    server,
    reload: () => server.setSecureContext(readPair(files)),
    // A session ends when its last stream has; connections of HTTP/1.1 are not told apart, and end with closeAll.
    closeIdle: () => sessions.forEach((session) => void session.close()),
    closeAll: () => sockets.forEach((socket) => void socket.destroy()),
  };
}

function bind(server: Server | Http2SecureServer, { host, port }: ListenOptions): Promise<AddressOf> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem =
        error.code === 'EADDRINUSE'
          ? 'the port is in use; take another one with --port'
          : error.code === 'EACCES'
            ? 'not allowed for this user; take a port above 1023 with --port'
            : error.message;
      reject(new Failure(`cannot listen on ${host}:${port}: ${problem}`));
    });
    server.listen({ host, port, backlog: 4_096 }, () => {
      const bound = server.address() as AddressInfo;
      const address = host === 'localhost' ? host : bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
      resolve({ address, port: bound.port });
    });
  });
}

type AddressOf = Pick<Listener, 'address' | 'port'>;
