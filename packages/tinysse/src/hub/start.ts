import { parseCursor } from '../protocol/cursor.js';
import type { Heard, Place } from './resume.js';

/** Where a connection starts. */
export interface Start {
  readonly place: Place;
  /** What the client sent, if it sent a position. */
  readonly lastEventId: string | undefined;
}

/** @param from - `'latest'`, `'earliest'`, or the last event id that the client sent */
export function startAt(from: string, { epoch, head }: Heard): Start {
  const place = { epoch, offset: head, told: 0, found: undefined, fromEarliest: false, shared: undefined };
  if (from === 'latest') return { place, lastEventId: undefined };
  if (from === 'earliest') return { place: { ...place, offset: 0, fromEarliest: true }, lastEventId: undefined };
  return { place: { ...place, epoch: '', offset: 0, ...parseCursor(from) }, lastEventId: from };
}
