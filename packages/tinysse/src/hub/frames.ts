import type { LogEntry } from '../log/log.js';
import { formatCursor } from '../protocol/cursor.js';
import { encodeComment, encodeEvent, encodeId, encodeRetry, toBytes } from '../protocol/encode.js';
import { POSITION_EVENT, RESET_EVENT, SNAPSHOT_EVENT } from '../protocol/event.js';
import type { Piece } from './sink.js';

/** Why a cursor could not be continued. */
export type ResetReason = 'evicted' | 'epoch' | 'unknown';

/** The data of a `tinysse:reset` event: events in (`lastEventId`, `resumedAt`] may be missing, later ones are not. */
export interface Reset {
  readonly reason: ResetReason;
  /** The cursor that could not be continued, as the client gave it. */
  readonly lastEventId: string;
  /** The cursor after which nothing is missing. */
  readonly resumedAt: string;
}

/** A piece of wire text. */
export function pieceOf(text: string): Piece {
  return { bytes: toBytes(text) };
}

/** An entry as wire text. */
export function frameOf(epoch: string, { offset, event, data }: LogEntry): string {
  return encodeEvent({ id: formatCursor(epoch, offset), event, data });
}

/** A run of frames no longer than a page, ready to be written by any number of sinks. */
export interface Page extends Piece {
  /** The position of a subscriber that has taken it. */
  readonly through: number;
  /** How many events it holds. */
  readonly count: number;
  /** The offset of its first event. */
  readonly first: number | undefined;
}

/** Cuts entries into pages: as many whole frames as fit into `maxBytes`, or one. @param frameOf - an entry's wire text */
export function* pagesOf(
  entries: readonly LogEntry[],
  maxBytes: number,
  frameOf: (entry: LogEntry) => string,
): Generator<Page> {
  let text = '';
  let size = 0;
  let count = 0;
  let through = 0;
  let first: number | undefined;
  for (const entry of entries) {
    // The id line is not part of an entry's size; 40 covers it.
    const frame = entry.size + 40;
    if (count > 0 && size + frame > maxBytes) {
      yield { bytes: toBytes(text), through, count, first };
      text = '';
      size = 0;
      count = 0;
      first = undefined;
    }
    text += frameOf(entry);
    size += frame;
    count++;
    first ??= entry.offset;
    through = entry.offset;
  }
  if (count > 0) yield { bytes: toBytes(text), through, count, first };
}

/** The server's own frames, in one of two forms. */
export interface ControlFrames {
  /**
   * The connection's position.
   * @param id - the position; undefined leaves the client's as it is
   * @param isCut - whether retention has evicted events from before the first one that follows
   */
  position(id: string | undefined, heartbeatMs: number, isCut?: boolean): string;
  /** A gap; without this method a client cannot be told of one. @param id - the cursor after which the connection goes on */
  reset?(id: string | undefined, reset: Reset): string;
  /** The present state follows, up to the next position with an id. @param reason - of the gap that it stands in for, or `start` */
  snapshot?(reason: ResetReason | 'start'): string;
}

/** As events, which every EventSource keeps the id of and lets a page listen to. */
export const controlEvents: ControlFrames = {
  position: (id, heartbeatMs, isCut) =>
    encodeEvent({ id, event: POSITION_EVENT, data: isCut ? `${heartbeatMs}\ncut` : String(heartbeatMs) }),
  reset: (id, reset) => encodeEvent({ id, event: RESET_EVENT, data: JSON.stringify(reset) }),
  snapshot: (reason) => encodeEvent({ event: SNAPSHOT_EVENT, data: JSON.stringify({ reason }) }),
};

/** As comments and id-only frames, for clients that take every event for data. */
export const controlComments: ControlFrames = {
  position: (id) => (id === undefined ? encodeComment() : encodeId(id)),
};

/** How long the client is to wait before it reconnects. */
export function retryFrame(ms: number): string {
  return encodeRetry(Math.round(ms));
}
