import { SSEError } from '../errors.js';

/**
 * Checks a limit: a positive whole number, or `Infinity`.
 * @returns the limit, `fallback` when it was not given
 * @throws SSEError INVALID_OPTION
 */
export function limit(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new SSEError('INVALID_OPTION', `${name} must be a positive whole number, not ${String(value)}`);
}
