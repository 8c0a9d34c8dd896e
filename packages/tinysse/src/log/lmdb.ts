/// <reference types="node" />
import { resolve } from 'node:path';
import { systemClock } from '../clock.js';
import { SSEError } from '../errors.js';
import { MAX_KEYS } from './keys.js';
import type { LmdbLimits } from './lmdb-batch.js';
import { openFailure, unavailable } from './lmdb-errors.js';
import { type LockOptions, lockDirectory } from './lmdb-lock.js';
import { LmdbStore } from './lmdb-store.js';
import { LmdbWriter } from './lmdb-writer.js';
import type { AsyncLog, LogWatcher, MaybePromise } from './log.js';
import type { MemoryLogOptions } from './memory.js';
import { limit } from './options.js';

/** How often a log that has failed is tried to be opened anew. */
const REOPEN_MS = 1_000;

/** Options of {@link lmdbLog}. Lower limits than before apply to a channel with its next event, and to age and bytes at once. */
export interface LmdbLogOptions extends MemoryLogOptions {
  /** The directory; made if it is not there. On a local disk, and for this log alone. */
  path: string;
  /** Bytes kept over all channels, as wire text and 128 bytes an event; the file is larger. Default 1 GiB. */
  maxBytes?: number;
  /**
   * Begins a new epoch. Give it once, when the directory was restored from a backup: clients have seen events that
   * the backup has not, and their offsets will be used again. What the backup holds stays and is read; every client
   * is told by a reset. Default false.
   */
  newEpoch?: boolean;
  /** Milliseconds to wait for another log to leave the directory. Default 5,000. */
  lockTimeoutMs?: number;
}

/**
 * A log on disk. What it has acknowledged survives the process and the machine: an append answers when its
 * transaction is on disk, and appends at once share a transaction. It opens with its first use.
 *
 * One log at a time has the directory, also within one process. A full disk refuses appends with LOG_FULL, and they
 * work again once there is room. After any other failure (a write that fails, a disk that has turned read-only, a directory
 * that was deleted or taken over by another log) the log refuses everything with LOG_UNAVAILABLE or LOG_LOCKED and tries
 * each second to open anew; then its watchers hear `interrupted`.
 *
 * @throws SSEError INVALID_OPTION
 * @example
 * createSSEServer({ channelProvider, log: lmdbLog({ path: './data' }) })
 */
export function lmdbLog(options: LmdbLogOptions): AsyncLog {
  if (typeof options.path !== 'string' || options.path === '')
    throw new SSEError('INVALID_OPTION', `path must be the name of a directory, not ${JSON.stringify(options.path)}`);
  const path = resolve(options.path);
  const clock = options.clock ?? systemClock;
  const limits: LmdbLimits = {
    maxEventsPerChannel: limit('maxEventsPerChannel', options.maxEventsPerChannel, 1_000),
    maxAgeMs: limit('maxAgeMs', options.maxAgeMs, 24 * 3_600_000),
    maxBytes: limit('maxBytes', options.maxBytes, 2 ** 30),
    maxChannels: limit('maxChannels', options.maxChannels, 100_000),
    keyWindowMs: limit('keyWindowMs', options.keyWindowMs, 5 * 60_000),
    maxKeys: limit('maxKeys', options.maxKeys, MAX_KEYS),
  };
  const leaving = new AbortController();
  const lock: LockOptions = {
    timeoutMs: limit('lockTimeoutMs', options.lockTimeoutMs, 5_000),
    clock,
    signal: leaving.signal,
  };
  const watchers = new Set<LogWatcher>();
  let newEpoch = options.newEpoch ?? false;
  let writer: LmdbWriter | undefined;
  /** Why the log is away, while it waits to be opened anew. */
  let away: SSEError | undefined;
  let cancelRetry = (): void => {};
  let opening: Promise<LmdbWriter> | undefined;
  let release = async (): Promise<void> => {};
  let closing: Promise<void> | undefined;

  const open = async (timeoutMs = lock.timeoutMs): Promise<LmdbWriter> => {
    const unlock = await lockDirectory(path, { ...lock, timeoutMs }).catch((error: unknown) => {
      throw openFailure(path, error);
    });
    try {
      if (closing) throw closed();
      const store = new LmdbStore(path, newEpoch);
      newEpoch = false;
      release = unlock;
      return new LmdbWriter(store, limits, clock, watchers, (error) => recover(error));
    } catch (error) {
      await unlock();
      throw error;
    }
  };

  /** Closes the log that has failed, and opens it anew: at once, then each second. */
  const recover = (error: SSEError): void => {
    const failed = writer;
    writer = undefined;
    away = error;
    opening = (async () => {
      await failed?.close();
      await release();
      release = async () => {};
      const next = await open(0);
      // The last transaction may be on disk, and another log may have had the directory meanwhile.
      for (const watcher of watchers) watcher.interrupted(next.head);
      away = undefined;
      return (writer = next);
    })().finally(() => (opening = undefined));
    opening.catch((reason: SSEError) => {
      if (!closing) cancelRetry = clock.after(REOPEN_MS, () => recover(reason));
    });
  };

  /** Runs `act` on the open log: at once if it is open. */
  const use = <T>(act: (writer: LmdbWriter) => MaybePromise<T>): MaybePromise<T> => {
    if (closing) throw closed();
    if (writer) return act(writer);
    if (away && !opening) return Promise.reject(unavailable(away));
    opening ??= open()
      .then((opened) => (writer = opened))
      .finally(() => (opening = undefined));
    return opening.then(act);
  };

  return {
    inMemory: false,
    retention: limits,
    watch: (watcher) =>
      use(({ head }) => {
        watchers.add(watcher);
        return head;
      }),
    unwatch: (watcher) => void watchers.delete(watcher),
    head: () => use(({ head }) => head),
    append: (event) => use((log) => log.append(event)),
    read: (query) => use((log) => log.read(query)),
    channels: (names) => use((log) => log.channels(names)),
    stats: () => use((log) => log.stats()),
    close() {
      closing ??= (async () => {
        leaving.abort();
        cancelRetry();
        await opening?.catch(() => {});
        await writer?.close();
        await release();
        watchers.clear();
      })();
      return closing;
    },
  };
}

const closed = (): SSEError => new SSEError('LOG_CLOSED', 'the log is closed', { outcome: 'rejected' });
