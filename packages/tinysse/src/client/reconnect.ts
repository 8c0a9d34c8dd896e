import type { ClientErrorCode } from '../errors.js';

/** How an attempt ended. */
export interface Failure {
  code: ClientErrorCode;
  /** The response's status, unless that was not what ended it. */
  status?: number | undefined;
  /** What Retry-After asked for, within bounds; NaN if it did not. */
  retryAfterMs?: number | undefined;
  /** How long the stream was open; NaN if it never was. */
  openMs: number;
  /** Whether the stream brought a message that was new. */
  brought?: boolean | undefined;
}

/** What is remembered from attempt to attempt. */
export interface ReconnectState {
  /** Attempts that failed since the last stream that was stable or brought something. */
  failures: number;
  /** Whether the last attempt was the one that a 401 is granted. */
  refreshed: boolean;
}

/** What the application asked for, and the server: its `retry:` takes the place of `retryInterval`. */
export interface ReconnectPolicy {
  retryInterval: number;
  maxRetryDelay: number;
  /** 0: no end. */
  maxReconnectAttempts: number;
  /** Whether the request may be sent once only, unless it was answered 401. */
  once?: boolean;
}

/** What to do: connect after `delayMs`, or end (`undefined`). */
export interface ReconnectDecision extends ReconnectState {
  delayMs: number | undefined;
  code: ClientErrorCode;
}

/** A stream that has been open so long starts the backoff over. */
const STABLE_MS = 5_000;

/** Whether a request may be sent once only: what changes something at the server must not do so twice. */
export const isOnce = ({ method = 'get', resend }: { method?: string; resend?: boolean }): boolean =>
  !resend && !/^(get|head)$/i.test(method);

/** The shortest wait that a server's `retry:` can ask for: `retry: 0` is no leave to connect in a hot loop. */
export const SHORTEST_RETRY_MS = 100;

/** What servers ask for is obeyed from `least` up to 5 min. */
export const obeyed = (ms: number, least = SHORTEST_RETRY_MS): number => Math.min(Math.max(ms, least), 300_000);

/**
 * Decides what follows an attempt that ended. Waits grow only while attempts bring nothing.
 *
 * @param canRefresh - whether another attempt may carry other credentials
 * @param random - in [0, 1)
 */
export function reconnect(
  state: ReconnectState,
  { code, status = 0, retryAfterMs, openMs, brought }: Failure,
  { retryInterval, maxRetryDelay, maxReconnectAttempts, once }: ReconnectPolicy,
  canRefresh: boolean,
  random: number,
): ReconnectDecision {
  const before = brought || openMs >= STABLE_MS ? 0 : state.failures;
  const refreshed = status === 401 && canRefresh && !state.refreshed;
  let delayMs: number | undefined;
  if (refreshed) delayMs = 0;
  else if (/NETWORK|TIMEOUT/.test(code) || status === 408 || status === 429 || status >= 500) {
    const more = Math.min(maxRetryDelay, retryInterval * 2 ** before) - retryInterval;
    if (once) code = 'NOT_RESENT';
    else if (maxReconnectAttempts && before >= maxReconnectAttempts) code = 'ATTEMPTS_EXHAUSTED';
    else delayMs = retryAfterMs || retryInterval + random * Math.max(0, more);
  }
  return { failures: before + 1, refreshed, code, delayMs };
}
