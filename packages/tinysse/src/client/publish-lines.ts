import { SSEError, type SSEErrorCode } from '../errors.js';

/** Where lines go, and how. */
export interface LinesRequest {
  readonly url: URL;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** What is sent beside the type. */
  readonly headers: Record<string, string>;
  readonly answerTimeoutMs: number;
}

/** What a hub answers to a line: the event's id, or why there is none. */
export type LineAnswer = string | SSEError;

/** The log's troubles that pass. */
const PASSING = /^LOG_(UNAVAILABLE|TIMEOUT|BUSY|CLOSED)$/;
/** Statuses of proxies and hubs that will answer later. */
const LATER = [408, 429, 502, 503, 504];

/**
 * Publishes lines in one request.
 * @returns an answer for each line, in order; an error's `willRetry` says whether a later try may succeed
 */
export async function postLines(lines: readonly string[], request: LinesRequest): Promise<LineAnswer[]> {
  try {
    const answers = (await ask(lines, request)).split('\n');
    return lines.map((_, i) => answerOf(answers[i] ?? ''));
  } catch (error) {
    return lines.map(() => error as SSEError);
  }
}

/** @throws SSEError NETWORK, HTTP_STATUS, CONTENT_TYPE */
async function ask(lines: readonly string[], { url, fetch, headers, answerTimeoutMs }: LinesRequest): Promise<string> {
  const controller = new AbortController();
  const late = new Error(`no answer for ${answerTimeoutMs} ms`);
  const timer = setTimeout(() => controller.abort(late), answerTimeoutMs);
  try {
    const response = await fetch(url.href, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
      signal: controller.signal,
    });
    const text = await response.text();
    if (!response.ok) throw refused(url, response.status, text);
    if (response.headers.get('content-type')?.startsWith('application/x-ndjson')) return text;
    throw new SSEError('CONTENT_TYPE', `${url.origin} does not answer as a tinysse-hub does`, {
      status: response.status,
      outcome: 'unknown',
    });
  } catch (cause) {
    if (cause instanceof SSEError) throw cause;
    throw new SSEError('NETWORK', `cannot reach the hub at ${url.origin}`, {
      cause,
      outcome: 'unknown',
      willRetry: true,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The hub's refusal of a whole request. */
function refused({ origin }: URL, status: number, text: string): SSEError {
  const message = parse(text).error?.message ?? `${origin} does not answer as a tinysse-hub does (status ${status})`;
  return LATER.includes(status)
    ? new SSEError('HTTP_STATUS', message, { status, outcome: 'unknown', willRetry: true })
    : new SSEError('HTTP_STATUS', message, { status, outcome: 'rejected' });
}

function answerOf(line: string): LineAnswer {
  const { id, error } = parse(line);
  if (typeof id === 'string') return id;
  const { code, message } = error ?? {};
  // A request may be cut off behind a proxy that says nothing of it.
  if (!code || !message)
    return new SSEError('NETWORK', 'the answer broke off', { outcome: 'unknown', willRetry: true });
  return PASSING.test(code)
    ? new SSEError(code as SSEErrorCode, message, { outcome: 'unknown', willRetry: true })
    : new SSEError(code as SSEErrorCode, message, { outcome: 'rejected' });
}

interface Answered {
  id?: unknown;
  error?: { code?: string; message?: string };
}

function parse(text: string): Answered {
  try {
    return (JSON.parse(text) as Answered | null) ?? {};
  } catch {
    return {};
  }
}
