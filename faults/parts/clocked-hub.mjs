// The hub program's own parts on a clock that is stepped: each line of stdin is by how many milliseconds.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createSSEServer } from 'tinysse';
import { lmdbLog } from 'tinysse/lmdb';
import { answerBroken, createApp } from '../../packages/tinysse-hub/dist/app.js';
import { openAuth } from '../../packages/tinysse-hub/dist/auth/auth.js';
import { obeySignals } from '../../packages/tinysse-hub/dist/cli/signals.js';
import { listen } from '../../packages/tinysse-hub/dist/http/listener.js';
import { createJournal } from '../../packages/tinysse-hub/dist/journal.js';
import { createLogger } from '../../packages/tinysse-hub/dist/logger.js';
import { createMetrics } from '../../packages/tinysse-hub/dist/metrics.js';
import { observerOf } from '../../packages/tinysse-hub/dist/observe.js';

let stepped = 0;
createInterface({ input: process.stdin }).on('line', (line) => {
  stepped += Number(line);
});
/** @type {import('tinysse').Clock} */
const clock = {
  now: () => Date.now() + stepped,
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1)).unref();
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
};

const FLAGS = [
  'host',
  'port',
  'jwt-secret',
  'anonymous',
  'heartbeat',
  'log-level',
  'data-dir',
  'retain-events',
  'retain-bytes',
];
const options = /** @type {Record<string, string>} */ (
  parseArgs({ allowPositionals: true, options: Object.fromEntries(FLAGS.map((name) => [name, { type: 'string' }])) })
    .values
);
const logger = await createLogger(/** @type {any} */ ({ logLevel: options['log-level'], logFormat: 'json' }));
const auth = await openAuth(
  /** @type {any} */ ({ host: options.host, jwtSecret: options['jwt-secret'], anonymous: [options.anonymous] }),
  (message, error) => logger.error({ err: error }, message),
);
const log = lmdbLog({
  path: options['data-dir'],
  maxEventsPerChannel: Number(options['retain-events']),
  maxBytes: Number.parseInt(options['retain-bytes'], 10),
  // A key is not to be forgotten because the clock was stepped.
  keyWindowMs: Number.POSITIVE_INFINITY,
  clock,
});
const listener = await listen({ host: options.host, port: Number(options.port) });
const metrics = createMetrics('0');
const journal = createJournal(logger);
const sse = createSSEServer({
  clock,
  log,
  heartbeatMs: 1_000,
  refusalBody: 'json',
  logger: (message, error) => logger.error({ err: error }, String(message)),
  observer: observerOf(metrics, journal),
});
listener.answer(
  createApp({ sse, auth, port: listener.port, metrics, journal, log: (error) => logger.error({ err: error }) }),
  answerBroken(metrics),
);
await sse.cursor();
obeySignals(listener, sse, log, logger);
console.log(`Look at it: ${listener.url}/`);
