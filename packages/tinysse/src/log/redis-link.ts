import { systemClock as clock } from '../clock.js';
import { SSEError } from '../errors.js';

/**
 * What redisLog needs of a client of the `redis` package, version 6, as `createClient`, `createSentinel` or
 * `createCluster` make it.
 */
export interface RedisClient {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  duplicate(overrides?: object): RedisClient;
  connect(): Promise<unknown>;
  destroy(): unknown;
  on(event: 'error' | 'ready' | 'terminated', listener: (error?: unknown) => void): unknown;
  sendCommand(...args: never[]): Promise<unknown>;
}

/** How long a command waits for a connection, and then for its answer: both within a publish's deadline of 5 s. */
const PATIENCE_MS = 4_000;
const RETRY_MS = 500;

/** Milliseconds that have passed, since whenever: unlike the time of day, nobody sets it. */
export const elapsed = (): number => performance.now();

/** How the `redis` package calls errors of commands that it has not sent. */
const NOT_SENT = new Set(['ClientClosedError', 'ClientOfflineError', 'AbortError', 'TimeoutError']);
/** Errors with which Redis refuses a command or a script before it has run. */
const REFUSED =
  /^(TINYSSEFORMAT|TINYSSERUN|NOSCRIPT|OOM|READONLY|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|NOAUTH|NOPERM|BUSY|WRONGTYPE) /;

/**
 * One connection of the log's own, made like the client that the log was given. It comes back by itself, and a command
 * that cannot be sent is refused, not kept: so whoever sends knows what may have happened.
 */
export class Link {
  readonly #client: RedisClient;
  /** Any key of the log: tells a cluster where to send. */
  readonly #key: string;
  #connection: RedisClient | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;
  /** What kept it from connecting the last time. */
  #obstacle: unknown;
  /** Counts connections: by another number it is another connection, perhaps to another server. */
  made = 0;

  constructor(client: RedisClient, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /**
   * Sends a command and waits for the answer.
   * @param until - when to give up waiting for a connection, by {@link elapsed}
   * @throws SSEError LOG_UNAVAILABLE, LOG_FULL, LOG_FORMAT, LOG_CLOSED; `outcome` says whether Redis may have run it
   */
  async send(args: readonly string[], until = elapsed() + PATIENCE_MS): Promise<unknown> {
    const connection = await this.#ready(until);
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(PATIENCE_MS, () => {
        reject(unavailable(`Redis did not answer within ${PATIENCE_MS} ms`, 'unknown'));
        this.renew(connection);
      });
    });
    try {
      return await Promise.race([sender(connection, this.#key)(args), late]);
    } catch (error) {
      if (error instanceof SSEError) throw error;
      // What was the master is a replica now; another connection may find the new one.
      if (String((error as Error)?.message).startsWith('READONLY ')) this.renew(connection);
      throw errorOf(error);
    } finally {
      cancel();
    }
  }

  /** Gives up a connection for a new one. */
  renew(connection = this.#connection): void {
    if (connection === undefined || connection !== this.#connection) return;
    this.#connection = undefined;
    end(connection);
    this.#open();
  }

  /** Gives up the connection unless it is being made anew anyway. */
  suspect(): void {
    if (this.#connection?.isReady) this.renew();
  }

  close(): void {
    this.#closed = true;
    if (this.#connection) end(this.#connection);
    this.#wake();
  }

  #open(): void {
    if (this.#closed) return;
    // And a Sentinel client must not send again what may have been done.
    const connection = this.#client.duplicate({ disableOfflineQueue: true, maxCommandRediscovers: 0 });
    this.#connection = connection;
    const current = (): boolean => connection === this.#connection && !this.#closed;
    const again = (): void => {
      clock.after(RETRY_MS, () => {
        if (current()) this.renew(connection);
      });
    };
    // A lost connection shows in the commands that it fails; without a listener it would end the process.
    const failed = (error: unknown): void => {
      if (current()) this.#obstacle = error;
    };
    connection.on('error', failed);
    connection.on('terminated', again);
    const ready = (): void => {
      if (!current()) return;
      this.made++;
      this.#obstacle = undefined;
      this.#wake();
    };
    connection.on('ready', ready);
    connection.connect().then(ready, (error: unknown) => {
      failed(error);
      again();
    });
  }

  async #ready(until: number): Promise<RedisClient> {
    if (!this.#connection) this.#open();
    for (;;) {
      if (this.#closed) throw new SSEError('LOG_CLOSED', 'the log is closed', { outcome: 'rejected' });
      if (this.#connection?.isReady) return this.#connection;
      const left = until - elapsed();
      if (left <= 0) throw noConnection(this.#obstacle);
      await new Promise<void>((resolve) => {
        const cancel = clock.after(left, resolve);
        this.#waiting.push(() => {
          cancel();
          resolve();
        });
      });
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }
}

function end(connection: RedisClient): void {
  // A Sentinel client answers later, and has nobody else to tell of a failure.
  Promise.resolve(connection.destroy()).catch(() => {});
}

/** Sends raw commands: a cluster client wants a key to find the server by, a Sentinel client to be told to ask the master. */
function sender(connection: RedisClient, key: string): (args: readonly string[]) => Promise<unknown> {
  // No time limit in the queue: a command that has to wait there is refused by the link. Strings, whatever the client's mapping.
  const options = { timeout: undefined, typeMapping: {} };
  type Send = (...args: unknown[]) => Promise<unknown>;
  const send = connection.sendCommand.bind(connection) as Send;
  if ('slots' in connection) return (args) => send(key, false, args, options);
  if ('getMasterNode' in connection) return (args) => send(false, args, options);
  return (args) => send(args, options);
}

export function unavailable(message: string, outcome: 'rejected' | 'unknown', cause?: unknown): SSEError {
  return new SSEError('LOG_UNAVAILABLE', message, { outcome, ...(cause !== undefined && { cause }) });
}

function noConnection(cause: unknown): SSEError {
  const { message, code } = (cause ?? {}) as { message?: string; code?: string };
  const why = message || code;
  return unavailable(`there is no connection to Redis${why ? `: ${why}` : ''}`, 'rejected', cause);
}

function errorOf(cause: unknown): SSEError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.startsWith('OOM '))
    return new SSEError('LOG_FULL', 'Redis has no memory left; lower the retention or raise maxmemory', {
      outcome: 'rejected',
      cause,
    });
  if (message.startsWith('TINYSSEFORMAT '))
    return new SSEError('LOG_FORMAT', `another version of tinysse has written this log (${message})`, {
      outcome: 'rejected',
      cause,
    });
  const surely = REFUSED.test(message) || NOT_SENT.has((cause as Error)?.constructor?.name);
  return unavailable(`Redis failed: ${message || 'no connection'}`, surely ? 'rejected' : 'unknown', cause);
}
