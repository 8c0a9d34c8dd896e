/**
 * Bytes for one write: whole frames, shared by every subscriber that is due them.
 * Immutable once a sink has seen them.
 */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The same bytes as an HTTP/1.1 chunk; made by the first sink that wants it, used by all that do. */
  chunk?: Uint8Array;
}

/**
 * Where a subscriber's bytes go. Owned by one subscriber; calls never overlap.
 * After `close`, or once the client has gone, every call does nothing.
 */
export interface Sink {
  /**
   * Takes all of `piece`, in order, without copying.
   * @returns true when none of it waits in this process's memory any more; after false the caller writes nothing
   *   until `whenDrained` has called back
   */
  write(piece: Piece): boolean;
  /** Looks at all that a write looks at, so that it is in the CPU's caches by then. @returns anything */
  prefetch?(): number;
  /** Calls `run` once, as soon as nothing waits in this process's memory; never within this call, never after close. */
  whenDrained(run: () => void): void;
  /** Ends the stream after what it has taken, and sees to it that the connection goes within a bounded time. */
  close(): void;
}

/** Why a subscription ended. */
export type CloseReason =
  /** The client left. */
  | 'gone'
  /** It took nothing for `stallMs`. */
  | 'stalled'
  /** It was behind for `stallMs` under `slowClient: 'disconnect'`. */
  | 'slow'
  /** Its `expiresAt` has come. */
  | 'expired'
  /** `disconnect` was called. */
  | 'disconnected'
  /** The hub is closing. */
  | 'draining'
  /** Its source ended, and it has no channels. */
  | 'ended'
  /** There was a gap, and the client cannot be told of one within its connection (`controlEvents: false`). */
  | 'gap'
  /** Its sink or its source threw. */
  | 'failed';
