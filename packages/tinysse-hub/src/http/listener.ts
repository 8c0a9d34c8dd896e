import { createServer, type RequestListener, type Server } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { Failure } from '../problems.js';
import type { Broken } from './broken.js';
import { inOrder } from './in-order.js';
import { peek } from './peek.js';
import { readPair, type TlsFiles } from './tls.js';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** With it the listener speaks HTTP/2 and HTTP/1.1 over TLS, else HTTP/1.1. */
  readonly tls?: TlsFiles | undefined;
  /** How long a request may take to arrive, with its body, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long nothing may pass in a connection of HTTP/2; longer than any stream is silent or stalled. */
  readonly silenceMs: number;
  /** How long a request line and headers may be. */
  readonly headerBytes: number;
}

/** What a listener asks of the program. */
export interface Answering {
  readonly app: RequestListener;
  readonly broken: Broken;
  /** @returns false for a connection that is to be cut off; default: every one is taken */
  readonly admit?: ((socket: Socket) => boolean) | undefined;
}

/** A port that is open. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly url: string;
  /** Begins to answer. */
  answer(answering: Answering): void;
  /** Takes the certificate from its files again. @throws Failure; the one before stays */
  reload(): void;
  /** Takes no more connections. @returns resolves when the last has gone */
  close(): Promise<void>;
  /** Ends connections that wait for a next request. */
  closeIdle(): void;
  closeAll(): void;
}

/** Streams of one HTTP/2 connection, and the megabytes that they may hold back. */
const HTTP2_STREAMS = 1_000;
const HTTP2_MEMORY_MB = 64;
/** A connection that has nothing to do is kept for so long: more than what proxies in front keep theirs. */
const KEEP_ALIVE_MS = 65_000;

/** @throws Failure when the port cannot be had, or the certificate cannot be used */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { tls } = options;
  const times = timesOf(options);
  const parts = tls ? secure(tls, times, options) : plain(times, options);
  const place = await bind(parts.server, options);
  const { server } = parts;
  return {
    ...parts,
    ...place,
    url: `${tls ? 'https' : 'http'}://${place.address}:${place.port}`,
    answer({ app, broken, admit }) {
      // The request and response of HTTP/2 have the members that the app uses of those of HTTP/1.1.
      const listener = inOrder(app, options.headerBytes) as (...args: unknown[]) => void;
      (server as Server).on('request', listener).on('checkContinue', listener).on('checkExpectation', listener);
      server.on('clientError', broken.answer);
      if (tls) {
        server.on('tlsClientError', (_, socket) => socket.destroy());
        server.on('stream', (stream) => limitBody(stream, times.requestTimeout, broken.late));
      }
      if (admit) admitOnly(server, admit);
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

type Parts = Pick<Listener, 'reload' | 'closeIdle' | 'closeAll'> & { readonly server: Server | Http2SecureServer };

/** Node looks at its connections every so often: a slow one lasts at most a quarter longer than it may. */
const timesOf = ({ requestTimeoutMs: ms }: ListenOptions) => ({
  headersTimeout: ms,
  requestTimeout: ms,
  connectionsCheckingInterval: Math.min(5_000, Math.ceil(ms / 4)),
  keepAliveTimeout: KEEP_ALIVE_MS,
});
type Times = ReturnType<typeof timesOf>;

function plain(times: Times, { headerBytes }: ListenOptions): Parts {
  const server = createServer({ ...times, maxHeaderSize: headerBytes });
  const closePeeked = peek(server);
  return {
    server,
    reload() {},
    closeIdle: () => server.closeIdleConnections(),
    closeAll() {
      server.closeAllConnections();
      closePeeked();
    },
  };
}

function secure(files: TlsFiles, times: Times, { silenceMs, headerBytes }: ListenOptions): Parts {
  const server = createSecureServer({
    ...readPair(files),
    handshakeTimeout: times.requestTimeout,
    allowHTTP1: true,
    maxHeaderSize: headerBytes,
    maxSessionMemory: HTTP2_MEMORY_MB,
    settings: { maxConcurrentStreams: HTTP2_STREAMS, maxHeaderListSize: headerBytes },
  } as Parameters<typeof createSecureServer>[0]);
  // Of HTTP/1.1 on this port; the options have no place for them.
  Object.assign(server, times);
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // Node does not notice by itself that a client is gone that has sent nonsense.
    session.setTimeout(silenceMs, () => session.destroy());
  });
  return {
    server,
    reload: () => server.setSecureContext(readPair(files)),
    // A session ends when its last stream has; connections of HTTP/1.1 are not told apart, and end with closeAll.
    closeIdle: () => sessions.forEach((session) => void session.close()),
    closeAll: () => sockets.forEach((socket) => void socket.destroy()),
  };
}

/** Of a stream whose body does not come in time, `late` is told. */
function limitBody(stream: ServerHttp2Stream, ms: number, late: (stream: ServerHttp2Stream) => void): void {
  if (stream.endAfterHeaders) return;
  const timer = setTimeout(() => late(stream), ms);
  const arrived = (): void => clearTimeout(timer);
  stream.once('end', arrived).once('close', arrived);
}

/** Cuts off connections that are not admitted, before anything is spent on them. */
function admitOnly(server: Server | Http2SecureServer, admit: (socket: Socket) => boolean): void {
  const take = server.listeners('connection');
  server.removeAllListeners('connection').on('connection', (socket: Socket) => {
    if (!admit(socket)) socket.destroy();
    else for (const listener of take) listener.call(server, socket);
  });
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
