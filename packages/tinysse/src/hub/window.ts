import { History } from '../log/history.js';
import type { LogEntry, LogPage, LogQuery } from '../log/log.js';
import type { Cursor } from '../protocol/cursor.js';

/**
 * The last entries of a log that answers later: positions inside are served at once, so that however fast events
 * come, a subscriber that is behind can meet the edge.
 */
export class Window {
  readonly #maxBytes: number;
  #history: History;
  #epoch: string;

  constructor(maxBytes: number, start: Cursor) {
    this.#maxBytes = maxBytes;
    this.#epoch = start.epoch;
    this.#history = this.#after(start);
  }

  /** Begins anew after `start`: what lies between may be incomplete. */
  restart(start: Cursor): void {
    this.#epoch = start.epoch;
    this.#history = this.#after(start);
  }

  push(entry: LogEntry): void {
    this.#history.push(entry);
  }

  /** The page, if all of it lies inside. */
  read(query: LogQuery): LogPage | undefined {
    const floors = this.#history.floors(query.channels);
    return query.after < floors.floor ? undefined : { epoch: this.#epoch, ...floors, ...this.#history.read(query) };
  }

  #after({ offset }: Cursor): History {
    const unlimited = { maxEventsPerChannel: Number.POSITIVE_INFINITY, maxAgeMs: Number.POSITIVE_INFINITY };
    return new History({ ...unlimited, maxBytes: this.#maxBytes, maxChannels: 100_000 }, offset);
  }
}
