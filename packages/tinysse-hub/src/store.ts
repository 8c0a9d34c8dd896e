import { resolve } from 'node:path';
import { type Log, type MemoryLogOptions, memoryLog, SSEError } from 'tinysse';
import type { ServeConfig } from './config.js';
import { logLimits } from './limits.js';
import { Failure } from './problems.js';

/** The log that a hub was told to use. It opens with its first use. */
export interface Store {
  readonly log: Log;
  /** Where it keeps events, for people: `in memory`. */
  readonly place: string;
  /** What to do when it cannot be opened, for the codes where something can be done. */
  readonly advice: { readonly [code in SSEError['code']]?: string };
}

/** Makes the log that the settings name. */
export async function createStore(config: ServeConfig): Promise<Store> {
  const { memory, redis, dataDir, newEpoch } = config;
  const { retainEvents, retainAge, retainBytes } = config;
  const retention: MemoryLogOptions = {
    maxEventsPerChannel: retainEvents,
    maxAgeMs: retainAge,
    ...logLimits(config),
  };
  if (retainBytes !== undefined) retention.maxBytes = retainBytes;
  if (memory) return { log: memoryLog(retention), place: 'in memory: they are gone when it ends', advice: {} };
  if (redis) return redisStore(redis, retention);

  const path = resolve(dataDir ?? 'data');
  // Whoever keeps events elsewhere needs no native module.
  const { lmdbLog } = await import('tinysse/lmdb');
  return {
    log: lmdbLog({ path, newEpoch, ...retention }),
    place: `in ${path}`,
    advice: {
      LOG_LOCKED: 'end the other hub, or take another directory with --data-dir',
      LOG_FORMAT: 'take another directory with --data-dir, or the version of tinysse-hub that has written this one',
      LOG_UNAVAILABLE: 'take another directory with --data-dir, or --memory',
    },
  };
}

async function redisStore(url: URL, retention: MemoryLogOptions): Promise<Store> {
  const [{ redisLog }, { createClient }] = await Promise.all([import('tinysse/redis'), import('redis')]);
  // The URL holds the password, if there is one.
  const place = `in Redis at ${url.host}`;
  return {
    log: redisLog({ client: createClient({ url: url.href }), ...retention }),
    place,
    advice: { LOG_UNAVAILABLE: `see that Redis at ${url.host} runs and lets this hub in` },
  };
}

/** What ends a hub whose log cannot be opened. */
export function openFailure(error: unknown, { advice }: Store): unknown {
  if (!(error instanceof SSEError)) return error;
  const what = advice[error.code];
  return new Failure(what === undefined ? error.message : `${error.message}; ${what}`);
}
