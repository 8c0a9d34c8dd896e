import type { Cursor } from '../protocol/cursor.js';
import type { ResetReason } from './frames.js';

/** A connection's position in the log, and the losses that its client already knows about. */
export interface Place {
  /** The epoch of its cursor; empty when the client's last event id is no cursor at all. */
  epoch: string;
  offset: number;
  /** A reset has told of every loss up to this offset. */
  told: number;
  /**
   * For a start from `earliest`: the floors of its channels in its first page, `undefined` before that page. What was evicted by
   * then is no loss.
   */
  found: readonly number[] | undefined;
  fromEarliest: boolean;
  /** The log's answer for a cursor of another epoch: up to there, in its own epoch, the two share their past. */
  shared: Cursor | undefined;
}

/** What a hub has heard from its log. */
export interface Heard {
  readonly epoch: string;
  /** The offset up to which the hub has flushed. */
  readonly edge: number;
  /** The highest offset of this epoch that it has heard of. */
  readonly head: number;
}

/** The part of a page that decides whether it continues a place. Floors are in the order of the connection's channels. */
export interface PageFloors {
  readonly epoch: string;
  readonly floor: number;
  /** Undefined from a store that leaves them out, against its contract. */
  readonly floors: readonly number[] | undefined;
}

/** A loss: events up to `resumedAt` may be missing; the connection goes on after `offset`. */
export interface Gap {
  readonly kind: 'gap';
  readonly reason: ResetReason;
  readonly offset: number;
  readonly resumedAt: number;
}

/** What a connection that is not at the edge does next. */
export type Step =
  /** It is at the edge: from now on flushes write to it. */
  | { readonly kind: 'live' }
  /** It cannot go on before the hub has flushed, or heard of an interruption. */
  | { readonly kind: 'wait' }
  /** The hub has moved on while the log was asked: decide anew. */
  | { readonly kind: 'again' }
  /** Ask the log for its head. */
  | { readonly kind: 'head' }
  /** Ask the log how much of its past it shares with the cursor's epoch. */
  | { readonly kind: 'past' }
  /** Read a page after an offset. */
  | { readonly kind: 'read'; readonly after: number }
  /** The page continues the place: write it. */
  | { readonly kind: 'take' }
  | Gap;

const LIVE: Step = { kind: 'live' };
const WAIT: Step = { kind: 'wait' };
const AGAIN: Step = { kind: 'again' };
const HEAD: Step = { kind: 'head' };
const PAST: Step = { kind: 'past' };
const TAKE: Step = { kind: 'take' };

const crosses = ({ epoch, shared }: Place, heard: Heard): boolean =>
  epoch !== '' && epoch !== heard.epoch && shared?.epoch !== heard.epoch;

const sharedOffset = ({ shared }: Place, { epoch }: Heard): number => (shared?.epoch === epoch ? shared.offset : 0);

/**
 * What a connection that is not at the edge does next.
 * @param joined - the hub's head when the connection joined. The next flush does not bring it entries up to there.
 */
export function nextStep(place: Place, heard: Heard, joined: Cursor): Step {
  const { epoch, edge, head } = heard;
  if (place.fromEarliest && !place.found) return { kind: 'read', after: 0 };
  if (crosses(place, heard)) return PAST;
  if (place.epoch !== epoch) return { kind: 'read', after: sharedOffset(place, heard) };
  if (place.offset > head) return HEAD;
  if (place.offset < edge) return { kind: 'read', after: place.offset };
  const isPending = place.offset > edge || (joined.epoch === epoch && joined.offset > edge);
  return isPending ? WAIT : LIVE;
}

/**
 * Why an answer of the log is of no use; undefined when it is. A question is of the hub's epoch at that time, and so are the
 * offsets in it: asked about an edge of the last epoch, a log may answer with a page of a new one that is "complete" up to there,
 * and then accept entries below.
 * @param askedIn - the hub's epoch when the log was asked
 */
export function outdated(answer: { readonly epoch: string }, heard: Heard, askedIn: string): Step | undefined {
  if (askedIn !== heard.epoch) return AGAIN;
  // The hub will hear of that epoch.
  return answer.epoch === heard.epoch ? undefined : WAIT;
}

/** What follows from a page that was read for a place. */
export function afterPage(place: Place, page: PageFloors, heard: Heard): Step {
  const reason = gapBefore(place, page);
  if (reason === undefined) return TAKE;
  const offset = reason === 'evicted' ? place.offset : sharedOffset(place, heard);
  return { kind: 'gap', reason, offset, resumedAt: Math.max(offset, page.floor) };
}

/** What follows from the log's head, for a place above all that the hub had heard of. */
export function afterHead(place: Place, head: Cursor, heard: Heard): Step {
  // The answer may be older than what the hub has heard meanwhile.
  if (place.offset <= heard.head) return AGAIN;
  // Another node's entry, which this hub will hear of.
  if (head.offset >= place.offset) return WAIT;
  return { kind: 'gap', reason: 'unknown', offset: head.offset, resumedAt: head.offset };
}

/** Why a page after a place does not continue it; undefined when nothing is missing in between. */
export function gapBefore(place: Place, page: PageFloors): ResetReason | undefined {
  if (place.epoch !== page.epoch) return place.epoch === '' ? 'unknown' : 'epoch';
  const whole = Math.max(place.offset, place.told);
  if (page.floor <= whole) return undefined;
  // From `earliest`, every channel has a floor of its own: one that rises may stay below another that was high from the beginning.
  const { found } = place;
  if (!found || !page.floors) return 'evicted';
  const isLoss = page.floors.some((floor, i) => floor > whole && floor > (found[i] ?? 0));
  return isLoss ? 'evicted' : undefined;
}
