/** Why a snapshot cannot be had; stable, for logs, metrics and alerts. The server of streams adds SNAPSHOT_TIMEOUT. */
export const SNAPSHOT_CODES = [
  /** No connection, or none that lasted until an answer. */
  'SNAPSHOT_UNREACHABLE',
  /** Any status but 200, 401 and 403; redirects are not followed. */
  'SNAPSHOT_STATUS',
  /** 401 or 403: the snapshot server does not take the client's credentials. */
  'SNAPSHOT_REFUSED',
  /** The answer ended before its end, or has none that can be seen. */
  'SNAPSHOT_CUT',
  /** The answer is not lines of events. */
  'SNAPSHOT_INVALID',
  /** A line or the whole is longer than it may be. */
  'SNAPSHOT_TOO_LARGE',
  /** Its client did not read on, while others needed its place. */
  'SNAPSHOT_UNREAD',
] as const;

export type SnapshotCode = (typeof SNAPSHOT_CODES)[number];

/** A snapshot that failed. To the client it is an outage: its connection ends, and it comes back. */
export class SnapshotFailure extends Error {
  readonly code: SnapshotCode;

  constructor(code: SnapshotCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
