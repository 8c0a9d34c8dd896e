import type { Clock } from './clock.js';

/**
 * A promise's value, if it comes in time.
 * @param ms - how long it may take in milliseconds
 * @param late - gives the value instead, or throws
 */
export async function inTime<T>(
  promise: Promise<T>,
  ms: number,
  clock: Pick<Clock, 'after'>,
  late: () => T,
): Promise<T> {
  let cancel = (): void => {};
  const deadline = new Promise<T>((resolve, reject) => {
    cancel = clock.after(ms, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    cancel();
  }
}
