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
}

/** What is remembered from attempt to attempt. */
export interface ReconnectState {
  /** Attempts that failed since the last stable stream. */
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
}

/** What to do: connect after `delayMs`, or end (`undefined`). */
export interface ReconnectDecision extends ReconnectState {
  delayMs: number | undefined;
  code: ClientErrorCode;
}

/** A stream that has been open so long starts the backoff over. */
const STABLE_MS = 5_000;

/** What servers ask for is obeyed within 1 s and 5 min. */
export const obeyed = (ms: number): number => Math.min(Math.max(ms, 1_000), 300_000);

/**
 * Decides what follows an attempt that ended.
 *
 * @param canRefresh - whether another attempt may carry other credentials
 * @param random - in [0, 1)
 */
export function reconnect(
  state: ReconnectState,
  { code, status = 0, retryAfterMs, openMs }: Failure,
  { retryInterval, maxRetryDelay, maxReconnectAttempts }: ReconnectPolicy,
  canRefresh: boolean,
  random: number,
): ReconnectDecision {
  const before = openMs >= STABLE_MS ? 0 : state.failures;
  const next = { failures: before + 1, refreshed: false, code, delayMs: undefined };
  if (status === 401 && canRefresh && !state.refreshed) return { ...next, refreshed: true, delayMs: 0 };
  if (!/NETWORK|TIMEOUT/.test(code) && status !== 408 && status !== 429 && status < 500) return next;
  if (maxReconnectAttempts && before >= maxReconnectAttempts) return { ...next, code: 'ATTEMPTS_EXHAUSTED' };
  const most = Math.max(retryInterval, Math.min(maxRetryDelay, retryInterval * 2 ** before));
  return { ...next, delayMs: retryAfterMs || retryInterval + random * (most - retryInterval) };
}
