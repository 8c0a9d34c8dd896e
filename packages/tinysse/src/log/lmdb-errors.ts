/// <reference types="node" />
import { statfsSync } from 'node:fs';
import { SSEError } from '../errors.js';

/** Error numbers of Linux and macOS: file too large, no space, over quota; and LMDB's own for a full map. */
const FULL = new Set([27, 28, 122, 69, -30792]);
/** LMDB's: not a database, of another version, damaged. */
const FORMAT = new Set([-30793, -30794, -30796]);

/** What LMDB says when the kernel took only part of a write, as it does before it says that there is no room. */
const EIO = 5;
/** More than one transaction writes. */
const NARROW_BYTES = 32 * 2 ** 20;
/** What a transaction writes beside its events, with plenty to spare. */
const RESERVE_BYTES = 4 * 2 ** 20;

const codeOf = (cause: unknown): number => Number((cause as { code?: unknown } | undefined)?.code);
const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const full = (cause: unknown): SSEError =>
  new SSEError('LOG_FULL', 'there is no room on disk; nothing was stored', {
    cause,
    outcome: 'rejected',
  });

/** Why a commit failed that is known to have left no trace. */
export function refused(path: string, cause: unknown): SSEError {
  if (isFull(path, cause)) return full(cause);
  return new SSEError('LOG_UNAVAILABLE', `the log could not be written: ${textOf(cause)}; nothing was stored`, {
    cause,
    outcome: 'rejected',
  });
}

/** A commit that failed, and what it has left on disk is not known. */
export function lost(cause: unknown): SSEError {
  return new SSEError('LOG_UNAVAILABLE', `the log could not be written: ${textOf(cause)}; the event may be stored`, {
    cause,
    outcome: 'unknown',
  });
}

/** Why a log refuses that has failed and is not open again. */
export function unavailable(cause: unknown): SSEError {
  if (cause instanceof SSEError && cause.code === 'LOG_LOCKED') return cause;
  return new SSEError('LOG_UNAVAILABLE', `the log has failed and is being opened anew: ${textOf(cause)}`, {
    cause,
    outcome: 'rejected',
  });
}

/** What made a commit fail: lmdb-js tells by a second promise, which always rejects. */
export async function causeOf(error: unknown): Promise<unknown> {
  const told = (error as { commitError?: Promise<unknown> }).commitError;
  return told ? told.catch((reason: unknown) => reason) : error;
}

function isFull(path: string, cause: unknown): boolean {
  return FULL.has(codeOf(cause)) || (codeOf(cause) === EIO && isNarrow(path));
}

const isNarrow = (path: string): boolean => freeBytes(path) < NARROW_BYTES;

/** Infinity where nobody can tell. */
function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * Refuses a transaction for which there may be no room. LMDB would say so itself, but what lmdb-js does after many
 * commits that the disk has refused may end the process.
 *
 * @param bytes - of the events
 * @throws SSEError LOG_FULL
 */
export function checkRoom(path: string, bytes: number): void {
  const free = freeBytes(path);
  if (free < RESERVE_BYTES + 2 * bytes) throw full(new Error(`${free} bytes are free on the disk of ${path}`));
}

/** Why a log could not be opened. */
export function openFailure(path: string, cause: unknown): SSEError {
  if (cause instanceof SSEError) return cause;
  if (isFull(path, cause)) return full(cause);
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
