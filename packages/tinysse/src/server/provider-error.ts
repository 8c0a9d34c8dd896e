import { SSEError } from '../errors.js';

/** What an error of a channel provider means for its client. */
export interface Verdict {
  /** What the client is told. */
  readonly refusal: SSEError;
  /** Whether the client is told less than the error says: then the operator must be told the rest. */
  readonly log: boolean;
}

/** Errors that mean a mistake in the provider's code, never a refusal. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];

/**
 * Codes by which libraries say that a token is bad: jose, fast-jwt, firebase-admin. Their codes for keys that cannot be
 * fetched or read (ERR_JOSE_GENERIC, ERR_JWKS_TIMEOUT, ERR_JWKS_INVALID, ERR_JWK_INVALID) are outages.
 */
const TOKEN =
  /^(ERR_JW[TSE]_|ERR_JOSE_(?!GENERIC)|ERR_JWKS_(NO|MULTIPLE)_MATCHING_|FAST_JWT_(?!INVALID_OPTION|\w*KEY|SIGN_|VERIFY_)|auth\/(id-token|session-cookie|argument-error))/;

/** What HTTP clients leave in their errors (axios, got, ofetch, octokit, AWS, Stripe, …): those tell of a server behind this one. */
const MARKS_OF_HTTP_CLIENTS = ['request', 'response', 'config', '$metadata', 'meta', 'raw', 'requestId', 'requestID'];

/** Wrappers are followed this far down to what caused them. */
const MAX_CAUSES = 8;

interface Fields {
  status?: unknown;
  statusCode?: unknown;
  code?: unknown;
  errorCode?: unknown;
  expose?: unknown;
}

/**
 * Decides what an error of a channel provider means. Its message is sent only when it was made for clients: that of an
 * SSEError UNAUTHORIZED or FORBIDDEN, and that of an error with a status of 400 to 499 which no HTTP client has made.
 */
export function verdictOn(error: unknown): Verdict {
  const { code: own, message, status } = Object(error) as Partial<SSEError>;
  // By name: a bundler may have put another copy of the class into the provider's code.
  if (error instanceof Error && error.name === 'SSEError' && (own === 'UNAUTHORIZED' || own === 'FORBIDDEN'))
    return { refusal: error instanceof SSEError ? error : refusal(own, message ?? '', error, status), log: false };
  if (error instanceof SSEError && own === 'PROVIDER_TIMEOUT') return { refusal: error, log: true };
  const decisive = decisiveOf(error);
  const fields = Object(decisive) as Fields;
  const asked = fields.status ?? fields.statusCode;
  if (!(decisive instanceof Error) || isMistake(decisive)) return outage(error);
  if (asked !== undefined) return isRefusal(asked) ? refusedWith(asked, decisive, error) : outage(error);
  const code = fields.code ?? fields.errorCode;
  if (code === undefined) return { refusal: refusal('UNAUTHORIZED', 'not authorized', error), log: true };
  if (typeof code !== 'string' || !TOKEN.test(code)) return outage(error);
  return { refusal: refusal('UNAUTHORIZED', `the token is not accepted (${code})`, error), log: false };
}

/** The first error of a chain of causes that says more than a message; the outermost when none does. */
function decisiveOf(error: unknown): unknown {
  let one = error;
  for (let depth = 0; depth < MAX_CAUSES && one instanceof Error; depth++) {
    const { status, statusCode, code, errorCode } = one as Fields;
    if (isMistake(one) || (status ?? statusCode ?? code ?? errorCode) !== undefined) return one;
    one = one.cause;
  }
  return error;
}

const isMistake = (error: Error): boolean => MISTAKES.some((kind) => error instanceof kind);

const isRefusal = (status: unknown): status is number => typeof status === 'number' && status >= 400 && status < 500;

function refusedWith(status: number, decisive: Error, cause: unknown): Verdict {
  const code = status === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN';
  // `expose` is the convention of http-errors and Koa.
  const { expose } = decisive as Fields;
  const shown = typeof expose === 'boolean' ? expose : !MARKS_OF_HTTP_CLIENTS.some((mark) => mark in decisive);
  const text = status === 401 ? 'not authorized' : 'not allowed';
  return { refusal: refusal(code, shown ? decisive.message : text, cause, status), log: !shown };
}

function refusal(code: 'UNAUTHORIZED' | 'FORBIDDEN', message: string, cause: unknown, status?: number): SSEError {
  return new SSEError(code, message, { cause, ...(status !== undefined && { status }) });
}

const outage = (cause: unknown): Verdict => ({
  refusal: new SSEError('PROVIDER_FAILED', 'the server cannot decide now; reconnect later', { cause }),
  log: true,
});
