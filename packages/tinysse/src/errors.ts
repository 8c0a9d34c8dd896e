/** Codes of a refused publish. Nothing was stored, unless the error's `outcome` says `'unknown'`. */
export type PublishErrorCode =
  | 'INVALID_CHANNEL'
  | 'INVALID_EVENT'
  | 'INVALID_DATA'
  | 'INVALID_KEY'
  | 'NO_CHANNEL'
  | 'TOO_MANY_CHANNELS'
  | 'RESERVED_EVENT'
  | 'EVENT_TOO_LARGE'
  | 'KEY_REUSED';

/** Codes of a refused connection. */
export type ConnectErrorCode =
  | 'PROVIDER_MISSING'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'PROVIDER_FAILED'
  | 'PROVIDER_TIMEOUT'
  | 'BUSY'
  | 'DRAINING'
  | 'GAP'
  | 'SNAPSHOT_TIMEOUT';

/** Codes of a log that cannot do what it was asked. */
export type LogErrorCode =
  | 'LOG_UNAVAILABLE'
  | 'LOG_TIMEOUT'
  | 'LOG_BUSY'
  | 'LOG_FULL'
  | 'LOG_KEYS_FULL'
  | 'LOG_FORMAT'
  | 'LOG_LOCKED'
  | 'LOG_CLOSED';

/** Codes that a client reports. */
export type ClientErrorCode =
  | 'NETWORK'
  | 'HTTP_STATUS'
  | 'CONTENT_TYPE'
  | 'CONNECT_TIMEOUT'
  | 'IDLE_TIMEOUT'
  | 'ATTEMPTS_EXHAUSTED'
  | 'NOT_RESENT'
  | 'LINE_TOO_LONG'
  | 'EVENT_TOO_LONG'
  | 'VALIDATION'
  | 'ABORTED';

/** Every code that an {@link SSEError} can carry. Codes are stable: they never change their meaning. */
export type SSEErrorCode = PublishErrorCode | ConnectErrorCode | LogErrorCode | ClientErrorCode | 'INVALID_OPTION';

/** What is wrong with data, as a Standard Schema says it. */
export interface SSEIssue {
  readonly message: string;
  /** Where in the data, from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What an {@link SSEError} may say beside its code. */
export interface SSEErrorDetails {
  /** What made this happen. */
  cause?: unknown;
  /** The HTTP status that was received (client) or asked for (channel provider). */
  status?: number;
  /** Of a publish: `'rejected'`, the event is not in the log; `'unknown'`, it may be. */
  outcome?: 'rejected' | 'unknown';
  /** Of data that a schema does not take: what is wrong with it. */
  issues?: readonly SSEIssue[] | undefined;
  /** Of a client: which attempt to connect failed, counting from 1 since the last stable stream. */
  attempt?: number;
  /** Of a client: whether it will try again by itself. */
  willRetry?: boolean;
}

/**
 * The one error class of tinysse. Branch on `code`; `message` is for people.
 *
 * @example
 * client.onError((error) => { if (error.code === 'HTTP_STATUS' && error.status === 403) showSignIn(); });
 */
export class SSEError extends Error {
  /** What went wrong. */
  declare readonly code: SSEErrorCode;
  declare readonly status?: number;
  declare readonly outcome?: 'rejected' | 'unknown';
  declare readonly issues?: readonly SSEIssue[];
  declare readonly attempt?: number;
  declare readonly willRetry?: boolean;

  /**
   * @param code - what went wrong
   * @param message - one sentence for a person, saying what to do where there is something to do
   * @param details - the cause, and what the code calls for
   */
  constructor(code: SSEErrorCode, message: string, details?: SSEErrorDetails) {
    super(message);
    Object.assign(this, { code, name: 'SSEError' }, details);
  }
}
