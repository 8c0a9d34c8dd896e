import { type Clock, systemClock } from '../clock.js';
import { SSEError } from '../errors.js';
import type { HubOptions } from '../hub/hub.js';
import type { Source, SourceEvent } from '../hub/source.js';
import type { Log } from '../log/log.js';
import { limit } from '../log/options.js';
import type { Codec } from '../protocol/codec.js';
import { type Cors, type CorsOptions, createCors } from './cors.js';
import type { EventOf, Raw } from './encoding.js';
import type { Observer } from './observer.js';
import type { ConnectContext, SSERequest } from './request.js';

/** Whom a connection is for, in channels. */
export interface Channels {
  /** The channels to subscribe to; at least one. */
  channels: readonly string[];
  /** When the stream ends, so that the client comes back to be asked again: a Date, or milliseconds since 1970. */
  expiresAt?: number | Date | undefined;
}

/** Decides who a request is from and what it may receive. */
export interface ChannelProvider {
  /**
   * Runs once per connect, before any header is sent.
   *
   * To refuse, throw: `new SSEError('UNAUTHORIZED' | 'FORBIDDEN', message)`, or an error with a `status` from 400 to 499; both
   * are sent with their message. An error of a token library (`ERR_JWT_EXPIRED`) and any plain `Error` are 401 without their
   * message, which may tell what clients must not know; that of a plain one is logged.
   * TypeErrors, errors with any other `code` or a `status` of 500 and more, errors with such a `cause`, and silence for
   * `limits.providerTimeoutMs` count as an outage: they are logged, and the client is told to come back.
   *
   * @returns the channels, or a `Response` to send as it is
   */
  resolveChannels(
    request: SSERequest,
    context: ConnectContext,
  ): readonly string[] | Channels | Response | Promise<readonly string[] | Channels | Response>;
}

/** A client that gets a snapshot. */
export interface SnapshotFor {
  /** The channels that it subscribes to. */
  readonly channels: readonly string[];
  readonly request: SSERequest;
  readonly context: ConnectContext;
}

/** Gives the present state as events: an iterable, now or later. It is pulled as the client reads. */
export type SnapshotOf<Event = SourceEvent> = (client: SnapshotFor) => Source<Event> | Promise<Source<Event>>;

/** A connection whose channels are known already. */
export interface Subscription<Event = SourceEvent> extends Partial<Channels> {
  /** Where it starts when the client does not say: `'latest'` (default), `'earliest'`, or a cursor. */
  from?: string | undefined;
  /**
   * Events for this connection only, sent on every connect before those of the log. Without channels the connection ends with it.
   * For the present state use `snapshot`, which is sent when it is needed.
   */
  source?: Source<Event> | undefined;
  /**
   * Gives the present state, for a client that has no position to continue from: when it is new (unless `from` says where it
   * starts), and after every gap, also in the middle of a connection. Not together with `source` or `controlEvents: false`.
   * Write to the database first and publish after: then everything that was published before the call is in the snapshot. What is
   * published meanwhile may be in it as well, and follows it: applying an event twice must be harmless.
   */
  snapshot?: SnapshotOf<Event> | undefined;
  /** False: comments instead of the server's own events, for clients that take every event for data. Default: the server's setting. */
  controlEvents?: boolean | undefined;
}

/** Limits of a server; every one is a positive whole number. */
export interface Limits {
  /** Clients at once. Default 20,000. */
  clients: number;
  /** Channels of one client. Default 128. */
  channelsPerClient: number;
  /** Channels of one event. Default 1,024. */
  channelsPerEvent: number;
  /** Bytes of one event as wire text. Default 1 MiB. */
  eventBytes: number;
  /** Publishes that the log has not answered yet. Default 10,000. */
  pendingPublishes: number;
  /** Their bytes. Default 64 MiB. */
  pendingBytes: number;
  /** Milliseconds that the log may take for a publish. Default 5,000. */
  publishTimeoutMs: number;
  /** Milliseconds that the channel provider may take. Default 10,000. */
  providerTimeoutMs: number;
  /** Snapshots that are made at once; other clients wait. Default 16. */
  snapshots: number;
  /** Milliseconds that a snapshot may take for its first event, and for each one after it. Default 10,000. */
  snapshotTimeoutMs: number;
}

/** Options of `createSSEServer`. */
export interface SSEServerOptions<Events extends object = Raw> {
  /**
   * Makes the server one of the whole process: a later call with the same name, after a hot reload or from another bundle of the
   * same module, returns it. `channelProvider`, `codec`, `cors` and `refusalBody` are then those of the later call; everything
   * else stays as the first call has set it, until the server is closed.
   */
  name?: string | undefined;
  /** Resolves the channels of each connection. Without one, `handler` and `fetch` answer 500. */
  channelProvider?: ChannelProvider | undefined;
  /** Events kept per channel for replay by the default memory log. Default 1,000. Not together with `log`. */
  historyReplayBuffer?: number | undefined;
  /** Events handed at once to a client that is behind. Default 64. */
  clientChannelBuffer?: number | undefined;
  /** What becomes of a client that stays behind for `stallMs`: it reads on from the log (`'replay'`, the default) or is disconnected. */
  slowClient?: 'replay' | 'disconnect' | undefined;
  /**
   * The snapshot of every connection that has no `source` or `snapshot` of its own; see {@link Subscription.snapshot}. Not together
   * with `controlEvents: false`; a connection with that gets none.
   */
  snapshot?: SnapshotOf<EventOf<Events>> | undefined;
  /** Whether a client that sends no Last-Event-ID gets the retained history first. Default false. */
  replayAllOnConnect?: boolean | undefined;
  /** The longest silence on a stream in milliseconds. Default 15,000; on Bun 7,000, as it closes connections that are silent for 10 s. */
  heartbeatMs?: number | undefined;
  /** What clients are told to wait before they reconnect in milliseconds, ± 50 % by chance. Default 2,000. */
  retryMs?: number | undefined;
  /** How long a client may take nothing before it is disconnected, in milliseconds. Default 60,000. */
  stallMs?: number | undefined;
  /** False: comments instead of the server's own events, and 409 instead of a reset. Default true. */
  controlEvents?: boolean | undefined;
  limits?: Partial<Limits> | undefined;
  /**
   * Makes text of the data of everything that is published, `source`s included: `json`, `typed({ … })` or your own.
   * Default: data is text, or bytes of UTF-8.
   */
  // biome-ignore lint/suspicious/noExplicitAny: what comes out of the codec is the client's affair
  codec?: Codec<any, Events> | undefined;
  /** The event log. Default: `memoryLog()`. A log that you pass is yours to close. */
  log?: Log | undefined;
  /** Receives errors that cannot be reported to a client. Default: `console.error`. */
  logger?: ((...args: unknown[]) => void) | undefined;
  /** Told of every connection, publish and flush, for metrics and logs. */
  observer?: Observer | undefined;
  /** Which pages of other origins may read streams, and what preflights are answered. Default: none, and OPTIONS is left to the application. */
  cors?: CorsOptions | undefined;
  /** The body of a refusal: its message as text (default), or `{"error":{"code","message"}}`. */
  refusalBody?: 'text' | 'json' | undefined;
  /** Where time comes from. Default: the system. */
  clock?: Clock | undefined;
}

/** Options with every default in place. */
export interface Settings extends Omit<HubOptions, 'log'> {
  readonly provider: ChannelProvider | undefined;
  readonly replayAllOnConnect: boolean;
  readonly snapshot: SnapshotOf | undefined;
  readonly controlEvents: boolean;
  readonly limits: Limits;
  readonly observer: Observer;
  readonly cors: Cors | undefined;
  readonly refusalBody: 'text' | 'json';
}

/** Bun's servers close a connection that is silent for `idleTimeout`, 10 s, measured in steps of 4: from 8 s on. */
const HEARTBEAT_MS = 'Bun' in globalThis ? 7_000 : 15_000;

const KNOWN = new Set<string>([
  'name',
  'channelProvider',
  'historyReplayBuffer',
  'clientChannelBuffer',
  'slowClient',
  'replayAllOnConnect',
  'snapshot',
  'heartbeatMs',
  'retryMs',
  'stallMs',
  'controlEvents',
  'limits',
  'codec',
  'log',
  'logger',
  'observer',
  'cors',
  'refusalBody',
  'clock',
] satisfies (keyof SSEServerOptions)[]);

/** Checks options and fills in defaults. @throws SSEError INVALID_OPTION */
export function settings(
  options: Omit<SSEServerOptions, 'codec' | 'snapshot'> & { codec?: Codec | undefined; snapshot?: unknown },
): Settings {
  for (const name of Object.keys(options))
    if (!KNOWN.has(name)) throw invalid(name, 'is not an option of createSSEServer');
  const { channelProvider: provider, slowClient = 'replay', limits = {}, refusalBody = 'text' } = options;
  if (provider !== undefined && typeof provider?.resolveChannels !== 'function')
    throw invalid('channelProvider', 'must have a function resolveChannels(request, context)');
  if (options.codec !== undefined && typeof options.codec?.encode !== 'function')
    throw invalid('codec', 'must have functions encode(data, event) and decode(text, event)');
  if (options.name !== undefined && (typeof options.name !== 'string' || options.name === ''))
    throw invalid('name', 'must be a string that is not empty');
  if (slowClient !== 'replay' && slowClient !== 'disconnect')
    throw invalid('slowClient', "must be 'replay' or 'disconnect'");
  if (options.snapshot !== undefined && typeof options.snapshot !== 'function')
    throw invalid('snapshot', 'must be a function that returns an (async) iterable of events');
  if (options.snapshot && options.controlEvents === false)
    throw invalid('snapshot', 'needs control events: without them a client cannot tell it from other events');
  if (options.log && options.historyReplayBuffer !== undefined)
    throw invalid('historyReplayBuffer', 'sets up the default memory log; with `log`, set its own retention');
  const defaults: Limits = {
    clients: 20_000,
    channelsPerClient: 128,
    channelsPerEvent: 1_024,
    eventBytes: 2 ** 20,
    pendingPublishes: 10_000,
    pendingBytes: 64 * 2 ** 20,
    publishTimeoutMs: 5_000,
    providerTimeoutMs: 10_000,
    snapshots: 16,
    snapshotTimeoutMs: 10_000,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaults)) throw invalid(`limits.${name}`, 'is not a limit');
    if (value !== undefined) defaults[name as keyof Limits] = limit(`limits.${name}`, value, 0);
  }
  return {
    provider,
    slowClient,
    refusalBody,
    limits: defaults,
    clientChannelBuffer: limit('clientChannelBuffer', options.clientChannelBuffer, 64),
    replayAllOnConnect: options.replayAllOnConnect ?? false,
    snapshot: options.snapshot as SnapshotOf | undefined,
    heartbeatMs: told('heartbeatMs', options.heartbeatMs, HEARTBEAT_MS),
    retryMs: told('retryMs', options.retryMs, 2_000),
    stallMs: limit('stallMs', options.stallMs, 60_000),
    controlEvents: options.controlEvents ?? true,
    logger: options.logger ?? ((...args) => console.error('tinysse:', ...args)),
    observer: options.observer ?? {},
    cors: options.cors && createCors(options.cors),
    clock: options.clock ?? systemClock,
    random: Math.random,
    pageBytes: 32 * 2 ** 10,
    windowBytes: 8 * 2 ** 20,
    maxReads: 16,
  };
}

/** A number that clients are told: on the wire there is no infinity. */
function told(name: string, value: number | undefined, fallback: number): number {
  if (value === Number.POSITIVE_INFINITY) throw invalid(name, 'must be a positive whole number, not Infinity');
  return limit(name, value, fallback);
}

const invalid = (name: string, problem: string): SSEError => new SSEError('INVALID_OPTION', `${name} ${problem}`);
