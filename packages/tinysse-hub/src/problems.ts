/** What the caller wrote cannot be done: one line on stderr, exit code 2. */
export class UsageError extends Error {}

/** What was asked for could not be done: one line on stderr, exit code 1. */
export class Failure extends Error {}

/** Why a connection failed, in a word where there is one: `fetch` buries it. */
export function reasonOf(error: unknown): string {
  const { cause, code, message } = error as { cause?: unknown; code?: unknown; message?: unknown };
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'connection lost';
  if (cause !== undefined && cause !== null) return reasonOf(cause);
  return String(message || code || error);
}
