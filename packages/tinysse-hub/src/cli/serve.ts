import type { Command } from 'commander';
import { createSSEServer, httpStatus, SSEError } from 'tinysse';
import { createApp } from '../app.js';
import { openAuth } from '../auth/auth.js';
import { browsersRefuse } from '../bad-ports.js';
import { checkServe, type ServeConfig, serveFlags } from '../config.js';
import { readServeConfig } from '../config-file.js';
import { unknownVariables } from '../environment.js';
import { addFlags } from '../flags.js';
import { countedAs, createAddresses } from '../http/address.js';
import { createBroken, type NoteRefusal } from '../http/broken.js';
import { createCors } from '../http/cors.js';
import { createCrowd } from '../http/crowd.js';
import { listen } from '../http/listener.js';
import { checkNames } from '../http/names.js';
import { PublishRate } from '../http/rate.js';
import { createJournal } from '../journal.js';
import { answerLimits, headerBytes, roomFor, serverLimits } from '../limits.js';
import { createLogger } from '../logger.js';
import { createMetrics } from '../metrics.js';
import { observerOf } from '../observe.js';
import { shown } from '../shown.js';
import { createSnapshots } from '../snapshot/snapshots.js';
import { createStore, openFailure } from '../store.js';
import { obeySignals } from './signals.js';
import { welcome } from './welcome.js';

export function serveCommand(program: Command, version: string): void {
  const command = program
    .command('serve')
    .summary('run the hub')
    .description(
      'Runs the hub. Events are kept on disk, in ./data: a publish is answered when it is safe there. ' +
        'SIGTERM and Ctrl-C end streams gently, slow ones within --drain-timeout; a second one ends the hub at once.',
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
  const room = roomFor(config);
  const logger = await createLogger(config);
  const log = (message: unknown, error?: unknown): void => {
    // What a client did wrong is told to the client, and in the line of its refusal; what a snapshot server did, nowhere else.
    const isClients = message !== 'a snapshot failed' && error instanceof SSEError && httpStatus(error) < 500;
    const level = isClients ? 'debug' : 'error';
    logger[level]({ err: error }, String(message));
  };
  for (const problem of unknownVariables(process.env)) logger.warn(problem);
  const auth = await openAuth(config, (message, error) => logger.error({ err: error }, message));
  const store = await createStore(config);
  const { host, port: wanted, requestTimeout: requestTimeoutMs, heartbeat, stallTimeout } = config;
  const silenceMs = Math.max(requestTimeoutMs, 2 * heartbeat, stallTimeout);
  const listener = await listen({
    host,
    port: wanted,
    tls,
    requestTimeoutMs,
    silenceMs,
    headerBytes: headerBytes(config),
  });
  const metrics = createMetrics(version);
  const addresses = createAddresses(config.trustedProxy);
  const journal = createJournal(logger, addresses);
  const sse = createSSEServer({
    ...serverLimits(config, room),
    heartbeatMs: heartbeat,
    controlEvents: config.controlEvents === 'on',
    replayAllOnConnect: config.replayAllOnConnect,
    // Pages of 32 KiB are bound enough: with fewer events in each, clients that come back cost more. bench: reconnect-storm
    clientChannelBuffer: 1_000,
    refusalBody: 'json',
    logger: log,
    observer: observerOf(metrics, journal),
    log: store.log,
  });
  const { maxConnectionsPerAddress: most, publishRate, snapshotUrl } = config;
  const crowd = most === undefined ? undefined : createCrowd(most, addresses);
  const cors = createCors(config.corsOrigin);
  const app = createApp({
    sse,
    auth,
    cors,
    checkNames: checkNames({
      host,
      port: listener.port,
      open: auth.open,
      names: config.allowHost,
      cors,
    }),
    limits: {
      enter: crowd?.enter,
      snapshots: snapshotUrl && createSnapshots({ url: snapshotUrl, ...answerLimits(config) }),
      eventBytes: config.maxEventSize,
      channelsPerEvent: config.maxChannelsPerEvent,
      rate: publishRate === undefined ? undefined : new PublishRate(publishRate),
      addressOf: (req) => countedAs(addresses.of(req)),
    },
    metrics,
    metricsFor: config.metrics,
    journal,
    log: (error) => log('a request failed', error),
  });
  const note: NoteRefusal = (address, reason) => {
    metrics.refused('', reason.code);
    journal.unheard(address, reason);
  };
  listener.answer({ app, broken: createBroken(note), admit: crowd?.admit(note) });
  // Who comes already waits meanwhile.
  await sse.cursor().catch(async (error: unknown) => {
    void listener.close();
    listener.closeAll();
    await store.log.close();
    throw openFailure(error, store);
  });
  obeySignals({ listener, sse, log: store.log, logger, drainMs: config.drainTimeout });
  const hasSecret = config.jwtSecret !== undefined || config.jwtSecretFile !== undefined;
  const token = auth.open ? 'none' : hasSecret ? 'own' : 'foreign';
  welcome({ url: listener.url, version, place: store.place, room, token });
  const { address, port } = listener;
  const snapshots = snapshotUrl && shown(snapshotUrl.href);
  logger.info({ address, port, version, events: store.place, snapshots, ...room }, 'listening');
  if (browsersRefuse(port))
    logger.warn({ port }, 'browsers refuse to connect to this port; take another one with --port');
}
