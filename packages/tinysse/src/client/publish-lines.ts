import { SSEError, type SSEErrorCode } from '../errors.js';
import { utf8Length } from '../protocol/utf8.js';

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

/** Failures of the hub's log that pass. */
const PASSING = /^LOG_(UNAVAILABLE|TIMEOUT|BUSY|KEYS_FULL|CLOSED)$/;
/** Refusals that pass. */
const LATER = [408, 425, 429];
const TOO_LARGE = 413;

/** Whether a request was refused because of its size, by the hub or by a proxy: nothing of it is published. */
export const isTooLarge = (answer: LineAnswer | undefined): answer is SSEError =>
  typeof answer === 'object' && answer.code === 'HTTP_STATUS' && answer.status === TOO_LARGE;

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
  const body = lines.join('\n');
  try {
    const response = await fetch(url.href, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
      body,
      signal: controller.signal,
    });
    const text = await response.text();
    if (!response.ok) throw refused(url, response.status, text, body);
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

/**
 * The answer to a whole request that is not 200. Only a status of 4xx says that nothing was published: a proxy answers any
 * other one, as 500, 520 or 524, also after the hub has taken the events and its answer was lost.
 */
function refused({ origin }: URL, status: number, text: string, body: string): SSEError {
  const message = parse(text).error?.message ?? `${origin} does not answer as a tinysse-hub does (status ${status})`;
  if (status === TOO_LARGE)
    return new SSEError(
      'HTTP_STATUS',
      `${message}: a proxy or the hub takes no request of ${utf8Length(body)} bytes; allow at least as many, ` +
        'best 8 MiB (nginx: client_max_body_size 8m)',
      { status, outcome: 'rejected' },
    );
  if (LATER.includes(status))
    return new SSEError('HTTP_STATUS', message, { status, outcome: 'unknown', willRetry: true });
  return status >= 400 && status < 500
    ? new SSEError('HTTP_STATUS', message, { status, outcome: 'rejected' })
    : new SSEError('HTTP_STATUS', message, { status, outcome: 'unknown', willRetry: true });
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
