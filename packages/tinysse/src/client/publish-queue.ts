import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import { utf8Length } from '../protocol/utf8.js';
import { isTooLarge, type LineAnswer } from './publish-lines.js';

/** What a hub takes in one request. */
const REQUEST = { lines: 10_000, bytes: 8 * 2 ** 20 };
const RETRY_MS = { first: 100, most: 2_000 };

export interface PublishQueueOptions {
  readonly clock: Clock;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly retryForMs: number;
  /** Publishes lines in one request; never rejects. @returns an answer for each, in order */
  readonly post: (lines: readonly string[]) => Promise<LineAnswer[]>;
  readonly onRetry: ((error: SSEError) => void) | undefined;
}

interface Waiting {
  readonly line: string;
  readonly bytes: number;
  /** When it is given up. */
  readonly until: number;
  /** Whether a hub may have taken it, though no answer says so. */
  doubtful: boolean;
  resolve(id: string): void;
  reject(error: SSEError): void;
}

/** Lines on their way to a hub: one request at a time, with as many of them as wait, in their order. */
export class PublishQueue {
  readonly #options: PublishQueueOptions;
  #queue: Waiting[] = [];
  #bytes = 0;
  #running = false;
  /** Whether an event of this turn was refused for want of room: what follows it must not overtake it. */
  #full = false;
  /** The most bytes of a request; less than a hub takes when something before it takes less. */
  #requestBytes = REQUEST.bytes;
  #idle = (): void => {};
  /** Lines without an answer. */
  pending = 0;

  constructor(options: PublishQueueOptions) {
    this.#options = options;
  }

  /** @returns the line's id @throws SSEError EVENT_TOO_LARGE, LOG_BUSY, and what the hub answers */
  push(line: string): Promise<string> {
    const { clock, maxPending, maxPendingBytes, retryForMs } = this.#options;
    const bytes = utf8Length(line) + 1;
    if (bytes > REQUEST.bytes)
      throw new SSEError('EVENT_TOO_LARGE', `the event takes ${bytes} bytes`, { outcome: 'rejected' });
    if (this.#full || this.pending >= maxPending || this.#bytes + bytes > maxPendingBytes) {
      if (!this.#full) clock.soon(() => (this.#full = false));
      this.#full = true;
      throw new SSEError('LOG_BUSY', 'too many events wait for the hub; retry later', { outcome: 'rejected' });
    }
    return new Promise((resolve, reject) => {
      this.pending++;
      this.#bytes += bytes;
      this.#queue.push({ line, bytes, until: clock.now() + retryForMs, doubtful: false, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      // After this turn's callbacks, so that whatever they publish shares the request.
      clock.soon(() => void this.#run());
    });
  }

  /** Resolves when no line waits. */
  async drained(): Promise<void> {
    if (this.#running) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  async #run(): Promise<void> {
    const { clock, post, onRetry } = this.#options;
    for (let failures = 0; this.#queue.length > 0; ) {
      const batch = this.#take();
      const answers = await post(batch.map(({ line }) => line));
      if (batch.length > 1 && isTooLarge(answers[0])) {
        this.#split(batch, answers[0]);
        continue;
      }
      const { again, error } = this.#settle(batch, answers);
      if (!error) {
        failures = 0;
        continue;
      }
      this.#queue = [...again, ...this.#queue];
      onRetry?.(error);
      const ms = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** failures++);
      await new Promise<void>((resolve) => clock.after(ms, resolve));
    }
    this.#running = false;
    this.#idle();
  }

  #take(): Waiting[] {
    let bytes = 0;
    const end = this.#queue.findIndex((waiting, i) => {
      bytes += waiting.bytes;
      return i === REQUEST.lines || (i > 0 && bytes > this.#requestBytes);
    });
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  /** Has a refused request sent again as several of half its size; nothing of it was published. */
  #split(batch: readonly Waiting[], error: SSEError): void {
    this.#queue = [...batch, ...this.#queue];
    this.#requestBytes = Math.floor(batch.reduce((sum, { bytes }) => sum + bytes, 0) / 2);
    this.#options.onRetry?.(error);
  }

  /** Settles what is answered or too old. @returns the rest, in order, and why it is tried again */
  #settle(batch: readonly Waiting[], answers: readonly LineAnswer[]): { again: Waiting[]; error?: SSEError } {
    const again: Waiting[] = [];
    let error: SSEError | undefined;
    const now = this.#options.clock.now();
    batch.forEach((waiting, i) => {
      const answer = answers[i]!;
      if (typeof answer !== 'string' && answer.willRetry && now < waiting.until) {
        again.push(waiting);
        waiting.doubtful ||= answer.outcome === 'unknown';
        error ??= answer;
        return;
      }
      this.pending--;
      this.#bytes -= waiting.bytes;
      if (typeof answer === 'string') waiting.resolve(answer);
      else waiting.reject(final(answer, waiting.doubtful));
    });
    return error ? { again, error } : { again };
  }
}

/** An error as it stands when nothing is tried again. @param doubtful - whether an earlier try may have succeeded */
function final(error: SSEError, doubtful: boolean): SSEError {
  const outcome = doubtful ? 'unknown' : error.outcome!;
  if (!error.willRetry && outcome === error.outcome) return error;
  const { code, message, cause, status } = error;
  const given = status === undefined ? {} : { status };
  return new SSEError(code, message, { cause, outcome, willRetry: false, ...given });
}
