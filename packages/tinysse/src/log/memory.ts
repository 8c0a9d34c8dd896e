import { type Clock, systemClock } from '../clock.js';
import { SSEError } from '../errors.js';
import { randomEpoch } from '../protocol/cursor.js';
import { History } from './history.js';
import { Keys, MAX_KEYS } from './keys.js';
import type { LogEntry, LogWatcher, SyncLog } from './log.js';
import { LogTime } from './log-time.js';
import { limit } from './options.js';

/** Options of {@link memoryLog}. Every limit is a positive whole number; `Infinity` is allowed where it says so. */
export interface MemoryLogOptions {
  /** Events kept per channel. Default 1,000; `Infinity` leaves it to the other limits. */
  maxEventsPerChannel?: number;
  /** Milliseconds that an event is kept. Default 24 hours; `Infinity` allowed. */
  maxAgeMs?: number;
  /** Bytes kept over all channels, as wire text and 128 bytes an event. Default 64 MiB. */
  maxBytes?: number;
  /** Channels known. Default 100,000. */
  maxChannels?: number;
  /** Milliseconds that an idempotency key is remembered. Default 5 minutes. */
  keyWindowMs?: number;
  /** Idempotency keys remembered; beyond, new ones are refused (LOG_KEYS_FULL). Default 1,000,000, which take about 250 MB. */
  maxKeys?: number;
  /** Where time comes from. Default: the system. */
  clock?: Clock;
}

/**
 * A log in this process's memory. Its life is the process's: a restart begins a new epoch, and clients that come
 * back are told so by a reset. It does not span `cluster` processes or Worker isolates.
 *
 * @throws SSEError INVALID_OPTION
 * @example
 * createSSEServer({ channelProvider, log: memoryLog({ maxEventsPerChannel: 10_000 }) })
 */
export function memoryLog(options: MemoryLogOptions = {}): SyncLog {
  const time = new LogTime(options.clock ?? systemClock);
  const history = new History({
    maxEventsPerChannel: limit('maxEventsPerChannel', options.maxEventsPerChannel, 1_000),
    maxAgeMs: limit('maxAgeMs', options.maxAgeMs, 24 * 3_600_000),
    maxBytes: limit('maxBytes', options.maxBytes, 64 * 2 ** 20),
    maxChannels: limit('maxChannels', options.maxChannels, 100_000),
  });
  const keys = new Keys(
    limit('keyWindowMs', options.keyWindowMs, 5 * 60_000),
    limit('maxKeys', options.maxKeys, MAX_KEYS),
  );
  const watchers = new Set<LogWatcher>();
  const epoch = randomEpoch();
  let offset = 0;
  let closed = false;

  const now = (): number => {
    if (closed) throw new SSEError('LOG_CLOSED', 'the log is closed', { outcome: 'rejected' });
    const at = time.now();
    history.expire(at);
    return at;
  };

  return {
    inMemory: true,
    watch(watcher) {
      now();
      watchers.add(watcher);
      return { epoch, offset };
    },
    unwatch(watcher) {
      watchers.delete(watcher);
    },
    head() {
      now();
      return { epoch, offset };
    },
    append(event) {
      const at = now();
      const known = keys.find(event, at);
      if (known !== undefined) return { epoch, offset: known };
      offset++;
      const entry: LogEntry = {
        offset,
        time: at,
        channels: event.channels,
        event: event.event,
        data: event.data,
        size: event.size,
      };
      keys.remember(event, offset, at);
      history.push(entry);
      for (const watcher of watchers) watcher.committed(entry);
      return { epoch, offset };
    },
    read(query) {
      now();
      return { epoch, ...history.floors(query.channels), ...history.read(query) };
    },
    channels(names) {
      now();
      return names.map((name) => ({ offset: history.last(name), floor: history.floor(name) }));
    },
    stats() {
      now();
      return history.stats();
    },
    close() {
      closed = true;
      watchers.clear();
    },
  };
}
