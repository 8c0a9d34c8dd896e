import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import type { Channels, Settings } from './options.js';
import type { ConnectContext, SSERequest } from './request.js';

/** Errors that mean a mistake in the provider's code, never a refusal. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];

/**
 * Asks the channel provider.
 * @returns what it resolved, or the response that it wants to be sent
 * @throws SSEError PROVIDER_MISSING, UNAUTHORIZED, FORBIDDEN, PROVIDER_FAILED, PROVIDER_TIMEOUT
 */
export async function resolve(
  { provider, limits, clock, logger }: Settings,
  request: SSERequest,
  context: ConnectContext,
): Promise<Channels | Response> {
  if (!provider) throw new SSEError('PROVIDER_MISSING', 'channel provider not configured');
  try {
    const asked = provider.resolveChannels(request, context);
    const answer = isPromise(asked) ? await inTime(asked, limits.providerTimeoutMs, clock) : asked;
    if (isList(answer)) return { channels: answer };
    if (typeof answer === 'object' && answer !== null && ('channels' in answer || 'body' in answer)) return answer;
    throw new TypeError('resolveChannels must return an array of channels, { channels } or a Response');
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal.code !== 'UNAUTHORIZED' && refusal.code !== 'FORBIDDEN') logger('the channel provider failed', error);
    throw refusal;
  }
}

/** Promises of other libraries are no instances of Promise, and may take as long. */
const isPromise = <T>(answer: T | Promise<T>): answer is Promise<T> =>
  typeof (answer as Promise<T> | undefined)?.then === 'function';

async function inTime<T>(answer: Promise<T>, ms: number, clock: Clock): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () =>
      reject(new SSEError('PROVIDER_TIMEOUT', 'the server could not decide in time; reconnect later')),
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    cancel();
  }
}

const isList = (answer: unknown): answer is readonly string[] => Array.isArray(answer);

/** What a provider's error means for the client. An outage's text stays here: it may name what clients must not know. */
function refusalOf(error: unknown): SSEError {
  if (error instanceof SSEError && ['UNAUTHORIZED', 'FORBIDDEN', 'PROVIDER_TIMEOUT'].includes(error.code)) return error;
  const outage = new SSEError('PROVIDER_FAILED', 'the server cannot decide now; reconnect later', { cause: error });
  if (!(error instanceof Error) || MISTAKES.some((kind) => error instanceof kind)) return outage;
  const { status, statusCode, code } = error as { status?: unknown; statusCode?: unknown; code?: unknown };
  const asked = status ?? statusCode;
  if (asked === undefined)
    return code === undefined ? new SSEError('UNAUTHORIZED', error.message, { cause: error }) : outage;
  if (typeof asked !== 'number' || asked < 400 || asked >= 500) return outage;
  return new SSEError(asked === 401 ? 'UNAUTHORIZED' : 'FORBIDDEN', error.message, { cause: error, status: asked });
}
