import { SSEError } from '../errors.js';

/** Error numbers of Linux and macOS: file too large, no space, over quota; and LMDB's own for a full map. */
const FULL = new Set([27, 28, 122, 69, -30792]);
/** LMDB's: not a database, of another version, damaged. */
const FORMAT = new Set([-30793, -30794, -30796]);

const codeOf = (cause: unknown): number => Number((cause as { code?: unknown } | undefined)?.code);
const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const full = (cause: unknown): SSEError =>
  new SSEError('LOG_FULL', 'there is no room on disk for the event; nothing was stored', {
    cause,
    outcome: 'rejected',
  });

/** Why a commit failed, from what lmdb-js rejected it with. */
export async function failure(error: unknown): Promise<SSEError> {
  // lmdb-js tells the cause by a second promise, which always rejects.
  const told = (error as { commitError?: Promise<unknown> }).commitError;
  const cause = told ? await told.catch((reason: unknown) => reason) : error;
  if (FULL.has(codeOf(cause))) return full(cause);
  // The kernel may forget what it could not write, so whether the event is on disk cannot be known from here.
  return new SSEError('LOG_UNAVAILABLE', `the log could not be written: ${textOf(cause)}; open it anew`, {
    cause,
    outcome: 'unknown',
  });
}

/** Why a log could not be opened. */
export function openFailure(path: string, cause: unknown): SSEError {
  if (cause instanceof SSEError) return cause;
  if (FULL.has(codeOf(cause))) return full(cause);
  if (FORMAT.has(codeOf(cause)))
    return new SSEError('LOG_FORMAT', `${path} holds no log that can be read: ${textOf(cause)}`, {
      cause,
      outcome: 'rejected',
    });
  return new SSEError('LOG_UNAVAILABLE', `cannot open the log in ${path}: ${textOf(cause)}`, {
    cause,
    outcome: 'rejected',
  });
}
