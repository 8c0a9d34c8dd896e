import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { createSSEServer, httpStatus, memoryLog, SSEError, type SSEServer } from 'tinysse';
import { answerBroken, createApp } from '../app.js';
import { openAuth } from '../auth/auth.js';
import { type ServeConfig, serveFlags } from '../config.js';
import { addFlags, readFlags } from '../flags.js';
import { createLogger } from '../logger.js';
import { Failure } from '../problems.js';
import { welcome } from './welcome.js';

const DRAIN_MS = 10_000;
/** After the drain, what is left of requests may still take so long. */
const LAST_REQUESTS_MS = 1_000;

export function serveCommand(program: Command, version: string): void {
  const command = program
    .command('serve')
    .summary('run the hub')
    .description(
      'Runs the hub. Events are kept in memory: they are gone when it ends, and its subscribers are told so. ' +
        'SIGTERM and Ctrl-C end streams gently, within 10 s; a second one ends the hub at once.',
    );
  addFlags(command, serveFlags)
    .addHelpText(
      'after',
      `
Examples:
  tinysse-hub serve
  tinysse-hub serve --port 8080 --retain-events 10000 --retain-age 7d
  TINYSSE_PORT=8080 TINYSSE_LOG_LEVEL=warn tinysse-hub serve

What it answers:
  GET  /                                   a page that shows events as they come
  GET  /events?channel=NAME                the stream; several channels: &channel=OTHER
  POST /publish?channel=NAME               publishes the body; also &channel=, &event=, &key=
  GET  /healthz                            {"status":"ok"}`,
    )
    .action(() => serve(readFlags(command, serveFlags, process.env), version));
}

async function serve(config: ServeConfig, version: string): Promise<void> {
  const logger = await createLogger(config.logLevel);
  const log = (message: unknown, error?: unknown): void => {
    // What a client did wrong is told to the client; a log full of it would hide what the hub did wrong.
    const level = error instanceof SSEError && httpStatus(error) < 500 ? 'debug' : 'error';
    logger[level]({ err: error }, String(message));
  };
  const auth = await openAuth(config, (message, error) => logger.error({ err: error }, message));
  // A subscriber of many channels names them all in its URL.
  const server = createServer({ keepAliveTimeout: 65_000, maxHeaderSize: 64 * 2 ** 10 });
  const { address, port } = await listen(server, config);
  // The port is open, so nothing else can keep the hub from starting.
  const sse = createSSEServer({
    heartbeatMs: config.heartbeat,
    refusalBody: 'json',
    logger: log,
    log: memoryLog({
      maxEventsPerChannel: config.retainEvents,
      maxAgeMs: config.retainAge,
      maxBytes: config.retainBytes,
    }),
  });
  const app = createApp({ sse, auth, port, log: (error) => log('a request failed', error) });
  server.on('request', app).on('checkContinue', app).on('clientError', answerBroken);
  endOnSignal(server, sse, logger);
  welcome(`http://${address}:${port}`, version);
  logger.info({ address, port, version }, 'listening');
}

function listen(server: Server, { host, port }: ServeConfig): Promise<{ address: string; port: number }> {
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

function endOnSignal(server: Server, sse: SSEServer, logger: Logger): void {
  let draining = false;
  const end = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (draining) process.exit(signal === 'SIGINT' ? 130 : 143);
    draining = true;
    logger.info({ signal }, 'ending; a second signal ends at once');
    void drain(server, sse).then(() => {
      logger.info('ended');
      process.exit(0);
    });
  };
  process.on('SIGINT', end).on('SIGTERM', end);
}

async function drain(server: Server, sse: SSEServer): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  await sse.close({ drainMs: DRAIN_MS });
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS);
  await closed;
  clearTimeout(late);
}
