import { list, optional, secret, toggle, type Values, value } from './flags.js';
import { readPair, type TlsFiles } from './http/tls.js';
import { limitFlags, maxEventSize } from './limits.js';
import { UsageError } from './problems.js';
import {
  bearerToken,
  bytes,
  count,
  directory,
  duration,
  host,
  hostName,
  hubUrl,
  oneOf,
  port,
  redisUrl,
  text,
  upTo,
  webOrigin,
  webUrl,
} from './values.js';

// Every setting of the program. `--help`, the environment, configuration files, the messages and docs/configuration.md are
// made from these tables.

export const serveFlags = {
  config: optional('--config <file>', 'take settings from a YAML or JSON file; flags and variables go first', text),
  host: value('--host <address>', 'where to listen; without keys, this machine only', host, '127.0.0.1'),
  port: value('--port <number>', 'port to listen on; 0 takes any free one', port, '7730'),
  dataDir: optional(
    '--data-dir <directory>',
    'where events are kept on disk; one hub at a time (default: ./data)',
    directory,
  ),
  memory: toggle('--memory', 'keep events in memory instead: they are gone when the hub ends'),
  redis: {
    ...optional('--redis <url>', 'keep events in Redis instead, where any number of hubs share them', redisUrl),
    // It may hold a password.
    secret: true as const,
  },
  newEpoch: toggle('--new-epoch', 'once, after --data-dir was restored from a backup: tells every client of the gap'),
  retainEvents: value('--retain-events <count>', 'events kept per channel', count, '1000'),
  retainAge: value('--retain-age <time>', 'how long an event is kept', duration, '24h'),
  retainBytes: optional(
    '--retain-bytes <size>',
    'for all events that are kept (default: 1GiB on disk, 64MiB in memory and in Redis)',
    bytes,
  ),
  jwtSecret: secret('--jwt-secret <secret>', 'verify HS256 tokens with it; better in the environment or a file'),
  jwtSecretFile: optional('--jwt-secret-file <file>', 'verify HS256 tokens with what the file holds', text),
  jwksUrl: optional('--jwks-url <url>', 'verify RS256, ES256 and EdDSA tokens with the keys that are there', webUrl),
  jwksFile: optional('--jwks-file <file>', 'the same with the keys of a file, read again when it changes', text),
  jwtIssuer: optional('--jwt-issuer <name>', 'take tokens with this "iss" only', text),
  jwtAudience: optional('--jwt-audience <name>', 'take tokens with this "aud" only', text),
  clockLeeway: value(
    '--clock-leeway <time>',
    'how far the clock of whoever makes tokens may be ahead: a token is taken so long before its "nbf"',
    upTo('5m', duration),
    '5s',
  ),
  anonymous: list('--anonymous <pattern>', 'channels that everybody may read: NAME or PREFIX*; may be repeated', text),
  corsOrigin: list(
    '--cors-origin <origin>',
    'whose pages may use the hub, as https://app.example.com, or * without cookies; may be repeated',
    webOrigin,
  ),
  allowHost: list('--allow-host <name>', 'another name that clients call the hub by; may be repeated', hostName),
  heartbeat: value('--heartbeat <time>', 'the longest silence on a stream', duration, '15s'),
  controlEvents: value(
    '--control-events <switch>',
    'on: a stream tells positions and gaps by events; off, for clients that take every event for data: by comments and status 409',
    oneOf('on', 'off'),
    'on',
  ),
  replayAllOnConnect: toggle(
    '--replay-all-on-connect',
    'begin a stream without a position with all that is kept, instead of what comes next',
  ),
  snapshotUrl: optional(
    '--snapshot-url <url>',
    'where clients without a position to continue from get the present state, as lines of JSON {"event","data"}',
    webUrl,
  ),
  snapshotTimeout: value(
    '--snapshot-timeout <time>',
    'how long a snapshot may take for its first event, and for each one after it',
    duration,
    '10s',
  ),
  ...limitFlags,
  tlsCert: optional('--tls-cert <file>', 'certificate in PEM: HTTPS with HTTP/2; SIGHUP reads it again', text),
  tlsKey: optional('--tls-key <file>', 'its key in PEM', text),
  metrics: value(
    '--metrics <who>',
    'who may read /metrics: everyone, admin (a token with the claim tinysse.admin) or nobody',
    oneOf('everyone', 'admin', 'nobody'),
    'everyone',
  ),
  logLevel: value(
    '--log-level <level>',
    'what to log: debug, info, warn, error or silent',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'info',
  ),
  logFormat: value(
    '--log-format <format>',
    'json, text, or auto: text on a terminal, else JSON',
    oneOf('auto', 'json', 'text'),
    'auto',
  ),
};

const token = secret('--token <token>', 'shown to the hub as who you are; better in the environment', bearerToken);
const url = value('--url <url>', 'where the hub is', hubUrl, 'http://127.0.0.1:7730');

export const publishFlags = {
  channel: list('-c, --channel <name>', 'another channel for the same event; may be repeated', text),
  event: optional('--event <name>', "the event's name", text),
  key: optional('--key <key>', 'publish only once, however often it is tried with this key', text),
  maxEventSize,
  lines: toggle('--lines', 'publish every line of stdin as an event of its own, as it comes'),
  token,
  url,
};

export const tailFlags = {
  event: optional('--event <name>', 'print events of this name only', text),
  json: toggle('--json', 'print {"id","event","data"} as JSON, one event per line'),
  lastEventId: optional(
    '--last-event-id <id>',
    'begin after this event; "earliest" for all that the hub has kept',
    text,
  ),
  token,
  url,
};

export const tokenFlags = {
  publish: list('--publish <pattern>', 'channels it may publish to: NAME or PREFIX*; may be repeated', text),
  subscribe: list('--subscribe <pattern>', 'channels it may read; may be repeated', text),
  admin: toggle('--admin', 'whether it may look at channels and end streams'),
  subject: optional('--subject <name>', "whom it is for, in the hub's log", text),
  ttl: value('--ttl <time>', 'how long it lasts', duration, '1h'),
  jwtSecret: secret('--jwt-secret <secret>', 'what signs it, as the hub has it; better in the environment or a file'),
  jwtSecretFile: optional('--jwt-secret-file <file>', 'a file that holds the secret', text),
  jwtIssuer: optional('--jwt-issuer <name>', 'its "iss"', text),
  jwtAudience: optional('--jwt-audience <name>', 'its "aud"', text),
  config: optional('--config <file>', "the hub's configuration file, for these last four", text),
};

/** The settings of every command that has some; `check-config` has those of `serve`. */
export const commandFlags = { serve: serveFlags, publish: publishFlags, tail: tailFlags, token: tokenFlags };

export type ServeConfig = Values<typeof serveFlags>;
export type PublishConfig = Values<typeof publishFlags>;
export type TailConfig = Values<typeof tailFlags>;

/**
 * Checks what no single setting tells.
 * @returns where the certificate is, if there is one
 * @throws UsageError, Failure
 */
export function checkServe(config: ServeConfig): TlsFiles | undefined {
  checkStore(config);
  checkSnapshots(config);
  const { tlsCert: cert, tlsKey: key } = config;
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new UsageError('--tls-cert and --tls-key belong together; give both or none');
  readPair({ cert, key });
  return { cert, key };
}

function checkSnapshots({ snapshotUrl, controlEvents, replayAllOnConnect }: ServeConfig): void {
  if (!snapshotUrl) return;
  if (controlEvents === 'off')
    throw new UsageError(
      '--snapshot-url needs --control-events on: without them a client cannot tell a snapshot from other events',
    );
  if (replayAllOnConnect)
    throw new UsageError(
      '--snapshot-url and --replay-all-on-connect: both say what a stream without a position begins with; leave one',
    );
}

function checkStore({ dataDir, memory, redis, newEpoch }: ServeConfig): void {
  if ([dataDir !== undefined, memory, redis !== undefined].filter(Boolean).length > 1)
    throw new UsageError(
      '--data-dir, --memory and --redis exclude each other, also in the environment and in a file; leave one',
    );
  if (newEpoch && memory) throw new UsageError('--new-epoch is for --data-dir: a log in memory is always a new one');
  if (newEpoch && redis)
    throw new UsageError('--new-epoch is for --data-dir: in Redis a new epoch begins whenever Redis has restarted');
}
