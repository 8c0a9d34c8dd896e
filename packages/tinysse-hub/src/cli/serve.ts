import type { Command } from 'commander';
import { createSSEServer, httpStatus, SSEError } from 'tinysse';
import { answerBroken, createApp } from '../app.js';
import { openAuth } from '../auth/auth.js';
import { checkServe, type ServeConfig, serveFlags } from '../config.js';
import { readServeConfig } from '../config-file.js';
import { addFlags } from '../flags.js';
import { createCors } from '../http/cors.js';
import { listen } from '../http/listener.js';
import { checkNames } from '../http/names.js';
import { createJournal } from '../journal.js';
import { createLogger } from '../logger.js';
import { createMetrics } from '../metrics.js';
import { observerOf } from '../observe.js';
import { createStore, openFailure } from '../store.js';
import { obeySignals } from './signals.js';
import { welcome } from './welcome.js';

export function serveCommand(program: Command, version: string): void {
  const command = program
    .command('serve')
    .summary('run the hub')
    .description(
      'Runs the hub. Events are kept on disk, in ./data: a publish is answered when it is safe there. ' +
        'SIGTERM and Ctrl-C end streams gently, within 10 s; a second one ends the hub at once.',
    );
  addFlags(command, serveFlags)
    .addHelpText(
      'after',
      `
Examples:
  tinysse-hub serve
  tinysse-hub serve --data-dir /var/lib/tinysse --retain-events 10000 --retain-age 7d
  tinysse-hub serve --redis redis://localhost:6379
  tinysse-hub serve --port 8080 --memory
  tinysse-hub serve --config hub.yaml
  TINYSSE_PORT=8080 TINYSSE_LOG_LEVEL=warn tinysse-hub serve

What it answers:
  GET  /                                   a page that shows events as they come
  GET  /events?channel=NAME                the stream; several channels: &channel=OTHER
  POST /publish?channel=NAME               publishes the body; also &channel=, &event=, &key=
  GET  /channels                           who is subscribed to what; also ?prefix=, &after=, &limit=
  POST /disconnect?channel=NAME            ends the streams of a channel
  GET  /healthz, /readyz, /metrics         whether it lives, whether it takes clients, what Prometheus reads`,
    )
    .action(() => serve(readServeConfig(command, process.env), version));
}

async function serve(config: ServeConfig, version: string): Promise<void> {
  const tls = checkServe(config);
  const logger = await createLogger(config);
  const log = (message: unknown, error?: unknown): void => {
    // What a client did wrong is told to the client, and in the line of its refusal.
    const level = error instanceof SSEError && httpStatus(error) < 500 ? 'debug' : 'error';
    logger[level]({ err: error }, String(message));
  };
  const auth = await openAuth(config, (message, error) => logger.error({ err: error }, message));
  const store = await createStore(config);
  const listener = await listen({ host: config.host, port: config.port, tls });
  const metrics = createMetrics(version);
  const journal = createJournal(logger);
  const sse = createSSEServer({
    heartbeatMs: config.heartbeat,
    refusalBody: 'json',
    logger: log,
    observer: observerOf(metrics, journal),
    log: store.log,
  });
  const cors = createCors(config.corsOrigin);
  const app = createApp({
    sse,
    auth,
    cors,
    checkNames: checkNames({
      host: config.host,
      port: listener.port,
      open: auth.open,
      names: config.allowHost,
      cors,
    }),
    metrics,
    journal,
    log: (error) => log('a request failed', error),
  });
  listener.answer(app, answerBroken(metrics));
  // Who comes already waits meanwhile.
  await sse.cursor().catch(async (error: unknown) => {
    void listener.close();
    listener.closeAll();
    await store.log.close();
    throw openFailure(error, store);
  });
  obeySignals(listener, sse, store.log, logger);
  welcome(listener.url, version, store.place);
  logger.info({ address: listener.address, port: listener.port, version, events: store.place }, 'listening');
}
