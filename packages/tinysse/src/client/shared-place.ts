import { parseCursor } from '../protocol/cursor.js';
import { isSeen } from './position.js';
import type { SSEReset } from './types.js';

/** One step of a stream that several tabs hear: between `previous` and `id` there is nothing else. */
export interface Step {
  previous: string;
  id: string;
  /** Set when the step is a reset. */
  reset?: SSEReset | undefined;
  /** Set when the step is the end of a snapshot: which one, and how many messages it had. */
  whole?: { snapshot: number; parts: number } | undefined;
  /** Whether the server sends snapshots: a tab that has no position needs one. */
  snapshots?: boolean;
  /** Whether the server gave none to the last that came without a position: asking for one is of no use. */
  none?: boolean;
}

/**
 * What a tab does with a step: it goes on to a position, `'skip'`s what it has seen, or `'ask'`s for the stream to be
 * read again from its own position, because what lies between has not come by.
 */
export type Placing = { position: string } | 'skip' | 'ask';

/**
 * Places a step of the shared stream for a tab at `position`. A tab may be ahead of the stream, which was read again
 * for another tab, or behind it. Only tinysse cursors tell order: with ids of another kind every step is the next.
 */
export function place(position: string, { previous, id, reset, snapshots }: Step): Placing {
  const next = { position: id };
  if (!position && snapshots) return 'ask';
  if (previous === position || !position) return next;
  const here = parseCursor(position);
  const to = parseCursor(id);
  if (!to) return id === position ? 'skip' : next;
  if (here?.epoch !== to.epoch) return 'ask';
  const seen = to.offset <= here.offset;
  if (reset) {
    // Above the log's head is every tab that is above where the stream goes on.
    if (seen && reset.reason === 'unknown' && parseCursor(reset.lastEventId)?.epoch === to.epoch) return next;
    // Another's gap, which ends before this tab's position or reaches beyond it.
    if (isSeen(reset.resumedAt, position)) return 'skip';
    return seen ? { position } : next;
  }
  if (seen) return 'skip';
  return isSeen(previous, position) ? next : 'ask';
}

/** The lower of two positions; of two that have no order, or of which one is none yet, the one that is a cursor. */
export function lower(one: string, other: string): string {
  return !one || isSeen(other, one) ? other : one;
}
