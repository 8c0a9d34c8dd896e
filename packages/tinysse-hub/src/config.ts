import { list, optional, toggle, type Values, value } from './flags.js';
import { bytes, count, duration, hubUrl, loopback, oneOf, port, text } from './values.js';

// Every setting of the program. `--help`, the environment and the messages are made from these tables.

export const serveFlags = {
  host: value('--host <address>', 'where to listen; this machine only', loopback, '127.0.0.1'),
  port: value('--port <number>', 'port to listen on; 0 takes any free one', port, '7730'),
  retainEvents: value('--retain-events <count>', 'events kept per channel', count, '1000'),
  retainAge: value('--retain-age <time>', 'how long an event is kept', duration, '24h'),
  retainBytes: value('--retain-bytes <size>', 'memory for all events that are kept', bytes, '64MiB'),
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
