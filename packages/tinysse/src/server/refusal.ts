import { SSEError, type SSEErrorCode } from '../errors.js';
import { retryFrame } from '../hub/frames.js';

/** An answer that is no stream: to be sent as it is. */
export interface Refusal {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** HTTP status of the codes that are the caller's doing; every other code is an outage. */
const STATUS: Partial<Record<SSEErrorCode, number>> = {
  INVALID_CHANNEL: 400,
  INVALID_EVENT: 400,
  INVALID_DATA: 400,
  INVALID_KEY: 400,
  INVALID_OPTION: 400,
  NO_CHANNEL: 400,
  TOO_MANY_CHANNELS: 400,
  RESERVED_EVENT: 400,
  EVENT_TOO_LARGE: 413,
  KEY_REUSED: 409,
  GAP: 409,
  PROVIDER_MISSING: 500,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  LOG_FULL: 507,
};

/**
 * The HTTP status that fits an error, for routes that publish.
 * @returns the status of an {@link SSEError}'s code (503 for outages), 500 for any other error
 */
export function httpStatus(error: unknown): number {
  if (!(error instanceof SSEError)) return 500;
  return STATUS[error.code] ?? 503;
}

/** Seconds that a refused client stays away, by chance within these, so that all do not return at once. */
const RETURN_MS = { least: 5_000, most: 15_000 };
const DRAINING_RETURN_MS = { least: 1_000, most: 5_000 };

/** How a refusal is to be written. */
export interface RefusalStyle {
  /** Whether the request accepts an event stream: then an outage must not look like one. */
  readonly eventStream: boolean;
  readonly body: 'text' | 'json';
  readonly random: () => number;
}

/**
 * An error as an answer. A 503 ends a native EventSource for good, in every browser; so a client that asks for an
 * event stream gets, for an outage, a stream that says when to come back and ends.
 */
export function refuse(error: SSEError, { eventStream, body, random }: RefusalStyle): Refusal {
  const status = error.status ?? httpStatus(error);
  if (status !== 503) return { status, headers: headersOf(body), body: bodyOf(error, body) };
  const { least, most } = error.code === 'DRAINING' ? DRAINING_RETURN_MS : RETURN_MS;
  const wait = least + random() * (most - least);
  if (eventStream) return { status: 200, headers: STREAM_HEADERS, body: retryFrame(wait) };
  return {
    status,
    headers: { ...headersOf(body), 'retry-after': String(Math.ceil(wait / 1000)) },
    body: bodyOf(error, body),
  };
}

/** Headers of every event stream; `no-transform` keeps compressors from holding frames back. */
export const STREAM_HEADERS: Record<string, string> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

const headersOf = (body: 'text' | 'json'): Record<string, string> => ({
  'content-type': body === 'json' ? 'application/json' : 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
});

const bodyOf = ({ code, message }: SSEError, body: 'text' | 'json'): string =>
  body === 'json' ? JSON.stringify({ error: { code, message } }) : `${message}\n`;
