import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import type { Cursor } from '../protocol/cursor.js';
import { MAX_KEYS } from './keys.js';
import type { AsyncLog, LogWatcher } from './log.js';
import { limit } from './options.js';
import { Appends } from './redis-appends.js';
import { Link, type RedisClient } from './redis-link.js';
import { RedisMember } from './redis-peers.js';
import { Reader } from './redis-reader.js';
import { Store } from './redis-store.js';

/** Options of {@link redisLog}. Every limit is a positive whole number; `Infinity` is allowed where it says so. */
export interface RedisLogOptions {
  /**
   * A client of the `redis` package that leads to Redis 7 or newer, or Valkey. The log makes connections of its own
   * like it (one to write and read, one to listen) and leaves this one alone: it need not be connected.
   */
  client: RedisClient;
  /** What the names of the log's keys begin with; logs with different prefixes share a Redis. Default `tinysse`. */
  prefix?: string;
  /** Events kept per channel. Default 1,000; `Infinity` leaves it to the other limits. */
  maxEventsPerChannel?: number;
  /** Milliseconds that an event is kept. Default 24 hours; `Infinity` allowed. */
  maxAgeMs?: number;
  /** Bytes kept over all channels, as wire text and 128 bytes an event; Redis takes about twice as much memory. Default 64 MiB. */
  maxBytes?: number;
  /** Channels known. Default 100,000. */
  maxChannels?: number;
  /** Milliseconds that an idempotency key is remembered. Default 5 minutes. */
  keyWindowMs?: number;
  /** Idempotency keys remembered; beyond, new ones are refused (LOG_KEYS_FULL). Default 1,000,000, which take about 250 MB. */
  maxKeys?: number;
  /** Bytes of newest events kept for nodes to listen to; a node further behind reads from the history. Default 16 MiB. */
  maxTailBytes?: number;
  /**
   * Where the time of events comes from. Default: Redis, so that nodes need not agree on the time. Another clock is for tests, and
   * for one process only: with clocks that differ, events and keys would expire too early.
   */
  clock?: Clock;
}

/** A log in Redis; see {@link redisLog}. */
export interface RedisLog extends AsyncLog {
  /**
   * Where a stream goes on whose cursor is of another epoch: up to there, this log and the cursor's share their past.
   * Offset 0 when nothing is known of that epoch.
   */
  resume(cursor: Cursor): Promise<Cursor>;
}

/**
 * A log that many processes share through Redis: each delivers every event, in the same order and with the same ids,
 * so a client may reconnect to any of them. It lasts as long as Redis keeps its data. After a restart or a failover of
 * Redis, which may have lost what it had acknowledged, the log goes on in a new epoch, and every client is told so by
 * a reset that names what it may have missed.
 *
 * Redis must be set to `maxmemory-policy noeviction`. All keys carry the prefix as a hash tag, so Redis Cluster keeps a
 * log in one slot.
 *
 * @throws SSEError INVALID_OPTION
 * @example
 * const log = redisLog({ client: createClient({ url: 'redis://localhost' }) });
 * const sse = createSSEServer({ channelProvider, log });
 */
export function redisLog(options: RedisLogOptions): RedisLog {
  const { client, prefix = 'tinysse', clock } = options;
  if (typeof client?.duplicate !== 'function' || typeof client.isOpen !== 'boolean') throw notAClient(client);
  if (typeof prefix !== 'string' || !/^[^{}\s]+$/.test(prefix))
    throw new SSEError('INVALID_OPTION', 'prefix must be a non-empty string without spaces and braces');
  const limits = {
    maxEventsPerChannel: limit('maxEventsPerChannel', options.maxEventsPerChannel, 1_000),
    maxAgeMs: limit('maxAgeMs', options.maxAgeMs, 24 * 3_600_000),
    maxBytes: limit('maxBytes', options.maxBytes, 64 * 2 ** 20),
    maxChannels: limit('maxChannels', options.maxChannels, 100_000),
    keyWindowMs: limit('keyWindowMs', options.keyWindowMs, 5 * 60_000),
    maxKeys: limit('maxKeys', options.maxKeys, MAX_KEYS),
    maxTailBytes: limit('maxTailBytes', options.maxTailBytes, 16 * 2 ** 20),
  };
  const store = new Store(prefix, limits, clock);
  const main = new Link(client, store.key);
  const watchers = new Set<LogWatcher>();
  const members = new Set<RedisMember>();
  let listening: { link: Link; reader: Promise<Reader> } | undefined;
  let reader: Reader | undefined;
  let closed = false;

  const open = (): void => {
    if (closed) throw new SSEError('LOG_CLOSED', 'the log is closed', { outcome: 'rejected' });
  };
  // What can be read is told truly whatever the settings of Redis: what it has evicted is a gap.
  const usable = (): void => {
    open();
    if (reader?.problem) throw reader.problem;
  };

  const listen = (): { link: Link; reader: Promise<Reader> } => {
    const link = new Link(client, store.key);
    const started = (async () => {
      const problem = await store.problem(link);
      if (problem) throw problem;
      const { epoch, offset } = await store.look(link);
      return new Reader(store, link, main, watchers, { epoch, offset });
    })();
    const mine = { link, reader: started };
    started.then(
      (ready) => {
        if (listening === mine) reader = ready;
        else ready.stop();
      },
      () => listening === mine && silence(),
    );
    return mine;
  };

  const silence = (): void => {
    reader?.stop();
    listening?.link.close();
    reader = listening = undefined;
  };

  const appends = new Appends(
    (events, until) => store.append(main, events, until),
    ({ batch }) => {
      reader?.offer(batch);
      return reader?.heard({ epoch: batch.epoch, offset: batch.through });
    },
  );

  return {
    inMemory: false,
    retention: limits,
    async watch(watcher) {
      for (;;) {
        usable();
        listening ??= listen();
        const ready = await listening.reader;
        // The last watcher may have left meanwhile, and the reader with it.
        if (ready !== reader) continue;
        watchers.add(watcher);
        return ready.position;
      }
    },
    unwatch(watcher) {
      watchers.delete(watcher);
      if (watchers.size === 0) silence();
    },
    async head() {
      open();
      const { epoch, offset } = await store.look(main);
      return { epoch, offset };
    },
    async append(event) {
      usable();
      return appends.add(event);
    },
    async read(query) {
      open();
      return store.read(main, query);
    },
    async resume(cursor) {
      open();
      const { epoch, offset, ended } = await store.look(main, cursor.epoch);
      const shared = cursor.epoch === epoch ? offset : (ended ?? 0);
      return { epoch, offset: Math.min(cursor.offset, shared) };
    },
    async channels(names) {
      open();
      return names.length === 0 ? [] : store.channels(main, names);
    },
    join(peer) {
      const member = new RedisMember(peer, client, main, store.prefix);
      members.add(member);
      return member;
    },
    async stats() {
      usable();
      return (await store.look(main)).stats;
    },
    async close() {
      if (closed) return;
      closed = true;
      await appends.idle();
      silence();
      watchers.clear();
      for (const member of members) member.leave();
      await Promise.all([...members].map(({ left }) => left));
      main.close();
    },
  };
}

function notAClient(client: object | undefined): SSEError {
  // A client of ioredis has `duplicate` as well, and a status.
  const ioredis = client && 'duplicate' in client && 'status' in client;
  const what = ioredis ? 'client is one of ioredis' : 'client is not one of the `redis` package';
  const remedy = "redisLog needs createClient({ url: 'redis://…' }) of the `redis` package (npm install redis)";
  return new SSEError('INVALID_OPTION', `${what}; ${remedy}`);
}
