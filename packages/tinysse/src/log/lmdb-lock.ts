/// <reference types="node" />
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';

export interface LockOptions {
  /** How long to wait for another holder; 0 not at all. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Gives the waiting up. */
  readonly signal: AbortSignal;
}

const NAME = /^lock-[0-9a-f]{16}\.sock$/;
/** What `sockaddr_un` takes everywhere; Node cuts a longer path off without a word. */
const MAX_SOCKET_PATH_BYTES = 103;
const RETRY_MS = { least: 20, spread: 60 };

/**
 * Takes a directory for this log alone, until it is given back or the process dies, however it dies.
 *
 * Whoever wants the directory listens on a Unix socket of a new random name in it, and has it when nobody answers at
 * any other. Only the kernel decides who is alive: it closes a dead process's socket and answers for a stopped one.
 * There is no process id to mistake for another's, names are never used twice, so removing a dead one is safe at any
 * time, and of two newcomers at least one sees the other. It holds between containers that share the directory, where
 * abstract sockets and process ids do not. Two machines that share it over a network do not see each other; LMDB
 * cannot be used there at all.
 *
 * @returns gives the directory back
 * @throws SSEError LOG_LOCKED when another holds it for longer than the timeout, LOG_CLOSED when the signal aborts
 */
export async function lockDirectory(path: string, options: LockOptions): Promise<() => Promise<void>> {
  const { timeoutMs, clock, signal } = options;
  const place = process.platform === 'win32' ? pipePlace(path) : socketPlace(path);
  let late = timeoutMs === 0;
  const cancel = clock.after(timeoutMs, () => (late = true));
  // A process with nothing else to do would end here, with code 0 and without a word.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    for (;;) {
      const release = await tryLock(place);
      if (release) return release;
      if (late)
        throw new SSEError('LOG_LOCKED', `another log has ${path} open; one log at a time may use a directory`, {
          outcome: 'rejected',
        });
      // By chance, so that newcomers who saw each other do not meet again.
      await pause(clock, RETRY_MS.least + Math.random() * RETRY_MS.spread, signal);
    }
  } catch (error) {
    place.dispose();
    throw error;
  } finally {
    cancel();
    clearInterval(alive);
  }
}

/** Where the holder of a directory listens. */
interface Place {
  /** A name nobody else listens on. */
  claim(): string;
  /** Whether someone else is alive. */
  others(mine?: string): Promise<boolean>;
  /** Whether a socket that listens can be found by others. */
  found(mine: string): boolean;
  dispose(): void;
}

async function tryLock(place: Place): Promise<(() => Promise<void>) | undefined> {
  if (await place.others()) return undefined;
  const mine = place.claim();
  const server = await listen(mine);
  if (!server) return undefined;
  // A newcomer that saw the socket before it listened took it for dead and removed it.
  if (!place.found(mine) || (await place.others(mine))) {
    await close(server);
    return undefined;
  }
  return async () => {
    await close(server);
    place.dispose();
  };
}

function socketPlace(path: string): Place {
  mkdirSync(path, { recursive: true });
  const longest = join(path, `lock-${'0'.repeat(16)}.sock`);
  // Linux has a short name for a directory that is open.
  const handle = Buffer.byteLength(longest) > MAX_SOCKET_PATH_BYTES ? openSync(path, 'r') : undefined;
  if (handle !== undefined && process.platform !== 'linux') {
    closeSync(handle);
    throw new SSEError('LOG_UNAVAILABLE', `${path} is too long a path for a lock socket`, { outcome: 'rejected' });
  }
  const at = (name: string): string => join(handle === undefined ? path : `/proc/self/fd/${handle}`, name);
  return {
    claim: () => at(`lock-${randomBytes(8).toString('hex')}.sock`),
    async others(mine) {
      for (const name of readdirSync(path)) {
        if (!NAME.test(name) || at(name) === mine) continue;
        if (await answers(at(name))) return true;
        rmSync(join(path, name), { force: true });
      }
      return false;
    },
    found: existsSync,
    dispose: () => {
      if (handle !== undefined) closeSync(handle);
    },
  };
}

/** Windows has named pipes instead, of which the first listener is the only one. */
function pipePlace(path: string): Place {
  mkdirSync(path, { recursive: true });
  const name = createHash('sha256').update(realpathSync.native(path).toLowerCase()).digest('hex');
  return {
    claim: () => `\\\\.\\pipe\\tinysse-${name}`,
    others: async () => false,
    found: () => true,
    dispose: () => {},
  };
}

/** Listens on a path; undefined when another does. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    // Exclusive: in a worker of node:cluster the primary would listen instead, and outlive it.
    server.listen({ path, exclusive: true }, () => resolve(server.unref()));
  });
}

const close = (server: Server): Promise<void> => new Promise((closed) => server.close(() => closed()));

/** Whether someone listens on a path, as far as can be known: what is not refused counts as alive. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new SSEError('LOG_CLOSED', 'the log is closed', { outcome: 'rejected' }));
    if (signal.aborted) return closed();
    const abort = (): void => {
      cancel();
      closed();
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
