import type { MemoryLogOptions, SSEServerOptions } from 'tinysse';
import { fileLimit } from './file-limit.js';
import { list, optional, type Values, value } from './flags.js';
import { Failure } from './problems.js';
import type { SnapshotSettings } from './snapshot/snapshots.js';
import { bytes, count, duration, network, upTo } from './values.js';

/** A request of many events holds no more, so no event may be larger. */
const LARGEST_EVENT = '8MiB';

export const maxEventSize = value(
  '--max-event-size <size>',
  `the most that one event may have, as it goes over the wire; up to ${LARGEST_EVENT}`,
  upTo(LARGEST_EVENT, bytes),
  '1MiB',
);

/** What bounds everything that clients could make grow. */
export const limitFlags = {
  maxClients: value(
    '--max-clients <count>',
    'streams at once; never more than the file limit less 256, and with --snapshot-url less 4 for each of --max-snapshots',
    count,
    '20000',
  ),
  maxConnectionsPerAddress: optional(
    '--max-connections-per-address <count>',
    'streams of one address at once, and twice as many connections (default: no limit)',
    count,
  ),
  trustedProxy: list(
    '--trusted-proxy <address>',
    'a proxy, or a network as 10.0.0.0/8, whose X-Forwarded-For tells addresses; may be repeated',
    network,
  ),
  publishRate: optional(
    '--publish-rate <count>',
    'events per second for each token subject ("sub"); for each token if it has no subject; for each address if there is no token (default: no limit)',
    count,
  ),
  maxChannelsPerClient: value('--max-channels-per-client <count>', 'channels of one stream', count, '128'),
  maxChannelsPerEvent: value('--max-channels-per-event <count>', 'channels of one event', count, '1024'),
  maxEventSize,
  maxPendingPublishes: value('--max-pending-publishes <count>', 'publishes that wait for the log', count, '10000'),
  maxPendingBytes: value('--max-pending-bytes <size>', 'their bytes', bytes, '64MiB'),
  maxChannels: value('--max-channels <count>', 'channels that the log knows', count, '100000'),
  maxKeys: value(
    '--max-keys <count>',
    'keys of events that the log remembers; beyond, new ones are refused',
    count,
    '1000000',
  ),
  keyWindow: value('--key-window <time>', 'how long it remembers them', duration, '5m'),
  maxSnapshots: value('--max-snapshots <count>', 'snapshots that are made at once; others wait', count, '16'),
  maxSnapshotSize: value(
    '--max-snapshot-size <size>',
    'maximum size of a snapshot response; each line may be as long as --max-event-size',
    bytes,
    '64MiB',
  ),
  publishTimeout: value('--publish-timeout <time>', 'how long the log may take for a publish', duration, '5s'),
  requestTimeout: value(
    '--request-timeout <time>',
    'how long a request may take to arrive, with its body',
    upTo('1h', duration),
    '30s',
  ),
  stallTimeout: value('--stall-timeout <time>', 'how long a client may take nothing of its stream', duration, '60s'),
  drainTimeout: value('--drain-timeout <time>', 'how long slow streams may take to end with the hub', duration, '10s'),
};

type LimitConfig = Values<typeof limitFlags>;

/** Files that a hub needs beside those of its clients: its log, publishers, whoever watches over it. */
const SPARE_FILES = 256;

/** Answers of the snapshot server that may be open: those that are made, and three times as many whose clients do not read. */
const openSnapshots = ({ maxSnapshots }: Pick<LimitConfig, 'maxSnapshots'>): number => 4 * maxSnapshots;

/** How many clients a hub takes, and why. */
export interface Room {
  readonly clients: number;
  /** Files that the process may open, where the system tells. */
  readonly files: number | undefined;
}

type RoomConfig = Pick<LimitConfig, 'maxClients' | 'maxSnapshots'> & { readonly snapshotUrl?: URL | undefined };

/** Fits the clients into the files that the process may open: each takes one. @throws Failure when none fits */
export function roomFor(config: RoomConfig, files = fileLimit()): Room {
  const spare = SPARE_FILES + (config.snapshotUrl ? openSnapshots(config) : 0);
  const clients = Math.min(config.maxClients, (files ?? Number.POSITIVE_INFINITY) - spare);
  if (clients > 0) return { clients, files };
  throw new Failure(
    `this process may open ${files} files, and the hub needs ${spare} beside one for each client; ` +
      'raise the limit, as with ulimit -n 65536 or LimitNOFILE= of systemd',
  );
}

/** The least that a request line and headers may have, and what a channel may take of a URL: 255 bytes, each as %XX. */
const HEADER_BYTES = 64 * 2 ** 10;
const CHANNEL_BYTES = '&channel='.length + 3 * 255;
const MOST_HEADER_BYTES = 8 * 2 ** 20;

/** How long a request line and its headers may be: a subscriber of many channels names them all in its URL. */
export const headerBytes = ({ maxChannelsPerClient: channels }: Pick<LimitConfig, 'maxChannelsPerClient'>): number =>
  Math.min(MOST_HEADER_BYTES, Math.max(HEADER_BYTES, HEADER_BYTES / 4 + channels * CHANNEL_BYTES));

/** The limits of the server of streams. */
export const serverLimits = (
  config: LimitConfig & { readonly snapshotTimeout: number },
  { clients }: Room,
): Pick<SSEServerOptions, 'limits' | 'stallMs'> => ({
  stallMs: config.stallTimeout,
  limits: {
    clients,
    channelsPerClient: config.maxChannelsPerClient,
    channelsPerEvent: config.maxChannelsPerEvent,
    eventBytes: config.maxEventSize,
    pendingPublishes: config.maxPendingPublishes,
    pendingBytes: config.maxPendingBytes,
    publishTimeoutMs: config.publishTimeout,
    snapshots: config.maxSnapshots,
    snapshotTimeoutMs: config.snapshotTimeout,
  },
});

/** The limits of what the snapshot server answers. */
export const answerLimits = (config: LimitConfig): Omit<SnapshotSettings, 'url'> => ({
  lineBytes: config.maxEventSize,
  answerBytes: config.maxSnapshotSize,
  mostOpen: openSnapshots(config),
});

/** The limits of the log, beside how much it retains. */
export const logLimits = ({ maxChannels, maxKeys, keyWindow }: LimitConfig): MemoryLogOptions => ({
  maxChannels,
  maxKeys,
  keyWindowMs: keyWindow,
});
