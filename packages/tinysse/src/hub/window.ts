import type { Clock } from '../clock.js';
import { History } from '../log/history.js';
import type { LogEntry, LogPage, LogQuery, LogRetention } from '../log/log.js';
import type { Cursor } from '../protocol/cursor.js';

const NO_LIMITS: LogRetention = {
  maxEventsPerChannel: Number.POSITIVE_INFINITY,
  maxAgeMs: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY,
};

/**
 * The last entries of a log that answers later: positions inside are served at once, so that however fast events
 * come, a subscriber that is behind can meet the edge. It evicts by the log's own retention, so it serves nothing that the log
 * has evicted; where it evicts earlier than the log, the log is asked.
 */
export class Window {
  readonly #maxBytes: number;
  readonly #retention: LogRetention;
  readonly #clock: Clock;
  #history: History;
  #epoch: string;
  /** The log's time, which may differ from this clock's, and this clock's time then. */
  #time = 0;
  #at = 0;

  /** @param maxBytes - kept at most, whatever the log keeps */
  constructor(maxBytes: number, clock: Clock, retention: LogRetention = NO_LIMITS) {
    this.#maxBytes = Math.min(maxBytes, retention.maxBytes);
    this.#retention = retention;
    this.#clock = clock;
    this.#epoch = '';
    this.#history = this.#after(0);
  }

  /** Begins anew after `start`: what lies between may be incomplete. */
  restart({ epoch, offset }: Cursor): void {
    this.#epoch = epoch;
    this.#history = this.#after(offset);
  }

  push(entry: LogEntry): void {
    this.#time = entry.time;
    this.#at = this.#clock.now();
    this.#history.push(entry);
  }

  /** The page, if all of it lies inside. */
  read(query: LogQuery): LogPage | undefined {
    this.#expire();
    const floors = this.#history.floors(query.channels);
    return query.after < floors.floor ? undefined : { epoch: this.#epoch, ...floors, ...this.#history.read(query) };
  }

  #expire(): void {
    const at = this.#clock.now();
    // A clock that steps back does not stop the log's time.
    this.#time += Math.max(0, at - this.#at);
    this.#at = at;
    this.#history.expire(this.#time);
  }

  #after(offset: number): History {
    const { maxEventsPerChannel, maxAgeMs } = this.#retention;
    return new History({ maxEventsPerChannel, maxAgeMs, maxBytes: this.#maxBytes, maxChannels: 100_000 }, offset);
  }
}
