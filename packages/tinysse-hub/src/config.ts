import { list, optional, toggle, type Values, value } from './flags.js';
import { bytes, count, duration, host, hubUrl, oneOf, port, text, webUrl } from './values.js';

// Every setting of the program. `--help`, the environment and the messages are made from these tables.

export const serveFlags = {
  host: value('--host <address>', 'where to listen; without keys, this machine only', host, '127.0.0.1'),
  port: value('--port <number>', 'port to listen on; 0 takes any free one', port, '7730'),
  retainEvents: value('--retain-events <count>', 'events kept per channel', count, '1000'),
  retainAge: value('--retain-age <time>', 'how long an event is kept', duration, '24h'),
  retainBytes: value('--retain-bytes <size>', 'memory for all events that are kept', bytes, '64MiB'),
  jwtSecret: optional(
    '--jwt-secret <secret>',
    'verify HS256 tokens with it; better in the environment or a file',
    text,
  ),
  jwtSecretFile: optional('--jwt-secret-file <file>', 'verify HS256 tokens with what the file holds', text),
  jwksUrl: optional('--jwks-url <url>', 'verify RS256, ES256 and EdDSA tokens with the keys that are there', webUrl),
  jwksFile: optional('--jwks-file <file>', 'the same with the keys of a file, read again when it changes', text),
  jwtIssuer: optional('--jwt-issuer <name>', 'take tokens with this "iss" only', text),
  jwtAudience: optional('--jwt-audience <name>', 'take tokens with this "aud" only', text),
  anonymous: list('--anonymous <pattern>', 'channels that everybody may read: NAME or PREFIX*; may be repeated', text),
  heartbeat: value('--heartbeat <time>', 'the longest silence on a stream', duration, '15s'),
  logLevel: value(
    '--log-level <level>',
    'what to log: debug, info, warn, error or silent',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'info',
  ),
};

const url = value('--url <url>', 'where the hub is', hubUrl, 'http://127.0.0.1:7730');

export const publishFlags = {
  channel: list('-c, --channel <name>', 'another channel for the same event; may be repeated', text),
  event: optional('--event <name>', "the event's name", text),
  key: optional('--key <key>', 'publish only once, however often it is tried with this key', text),
  lines: toggle('--lines', 'publish every line of stdin as an event of its own, as it comes'),
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
  url,
};

export type ServeConfig = Values<typeof serveFlags>;
export type PublishConfig = Values<typeof publishFlags>;
export type TailConfig = Values<typeof tailFlags>;
