import { inTime } from '../clock.js';
import { SSEError, type SSEErrorCode } from '../errors.js';
import type { Channels, Settings } from './options.js';
import { verdictOn } from './provider-error.js';
import type { ConnectContext, SSERequest } from './request.js';

const kept =
  'the channel provider refused a client with an error whose message was not sent; to send one, throw an SSEError';
/** What the operator is told of a refusal; of every other code, that the provider failed. */
const LOGGED: Partial<Record<SSEErrorCode, string>> = { UNAUTHORIZED: kept, FORBIDDEN: kept };

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
    const answer = isPromise(asked) ? await inTime(asked, limits.providerTimeoutMs, clock, late) : asked;
    if (isList(answer)) return { channels: answer };
    if (typeof answer === 'object' && answer !== null && ('channels' in answer || 'body' in answer)) return answer;
    throw new TypeError('resolveChannels must return an array of channels, { channels } or a Response');
  } catch (error) {
    const { refusal, log } = verdictOn(error);
    if (log) logger(LOGGED[refusal.code] ?? 'the channel provider failed', error);
    throw refusal;
  }
}

/** Promises of other libraries are no instances of Promise, and may take as long. */
const isPromise = <T>(answer: T | Promise<T>): answer is Promise<T> =>
  typeof (answer as Promise<T> | undefined)?.then === 'function';

const late = (): never => {
  throw new SSEError('PROVIDER_TIMEOUT', 'the server could not decide in time; reconnect later');
};

const isList = (answer: unknown): answer is readonly string[] => Array.isArray(answer);
