import { SSEError } from '../errors.js';
import type { LogEvent } from './log.js';

/** Whether the same event may be accepted later: the log could not take it, and nothing is wrong with it. */
export const mayPass = (error: unknown): error is SSEError =>
  error instanceof SSEError && error.code.startsWith('LOG_');

/** What an event is told that was not tried because of an earlier one. */
export const notTried = ({ code, message, cause }: SSEError): SSEError =>
  new SSEError(code, message, { cause, outcome: 'rejected' });

/** The series of which an event was refused for a reason that may pass; see {@link LogEvent.series}. */
export class StoppedSeries {
  readonly #errors = new WeakMap<object, SSEError>();

  /** Stops an event's series, if the reason may pass. */
  stop({ series }: LogEvent, reason: unknown): void {
    if (series && !this.#errors.has(series) && mayPass(reason)) this.#errors.set(series, notTried(reason));
  }

  /** Why an event must not be stored; undefined when it may. */
  problem({ series }: LogEvent): SSEError | undefined {
    return series && this.#errors.get(series);
  }
}
