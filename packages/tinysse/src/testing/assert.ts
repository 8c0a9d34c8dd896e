import { SSEError, type SSEErrorCode } from '../errors.js';

/**
 * Fails with `message` and both values unless they are equal as JSON, in whatever order an object's members are: what the
 * suites need, on every runtime.
 */
export function equal(actual: unknown, expected: unknown, message: string): void {
  const [got, wanted] = [JSON.stringify(actual, sorted), JSON.stringify(expected, sorted)];
  if (got !== wanted) throw new Error(`${message}: expected ${wanted}, got ${got}`);
}

/** For JSON.stringify: members in the order of their names. */
function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Fails with `message` unless `value` is true. */
export function ok(value: boolean, message: string): void {
  if (!value) throw new Error(message);
}

/** Fails unless `run` throws or rejects with an SSEError of that code. @returns the error */
export async function fails(run: () => unknown, code: SSEErrorCode): Promise<SSEError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SSEError && error.code === code) return error;
    throw new Error(`expected an SSEError ${code}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`expected an SSEError ${code}, but nothing was thrown`);
}

/** Numbers by chance that are the same for the same seed, in [0, 1). Source: the mulberry32 generator. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
