import { isUtf8 } from 'node:buffer';
import type { SourceEvent } from 'tinysse';
import { Refused } from '../http/answer.js';
import { parseSnapshotLine } from '../routes/publish-line.js';
import { SnapshotFailure } from './failure.js';

const LF = 10;

/** The most that an answer may hold, in bytes. */
export interface AnswerLimits {
  readonly lineBytes: number;
  readonly answerBytes: number;
}

/** Reads an answer's body as events, one a line. Empty lines are skipped; the last one needs no line end. */
export class LineReader {
  readonly #limits: AnswerLimits;
  readonly #begun: Buffer[] = [];
  #length = 0;
  #total = 0;
  #number = 0;

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
  }

  /** @returns the events that a chunk of the body ends @throws SnapshotFailure SNAPSHOT_TOO_LARGE, SNAPSHOT_INVALID */
  take(chunk: Buffer): SourceEvent[] {
    const { answerBytes } = this.#limits;
    this.#total += chunk.length;
    if (this.#total > answerBytes)
      throw new SnapshotFailure('SNAPSHOT_TOO_LARGE', `the answer is longer than ${answerBytes} bytes`);
    const events: SourceEvent[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#hold(chunk.subarray(start, end));
      start = end + 1;
      events.push(...this.#line());
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
    return events;
  }

  /** @returns the event of a last line without a line end, if there is one @throws SnapshotFailure SNAPSHOT_INVALID */
  end(): SourceEvent[] {
    return this.#length > 0 ? this.#line() : [];
  }

  #hold(piece: Buffer): void {
    const { lineBytes } = this.#limits;
    this.#begun.push(piece);
    this.#length += piece.length;
    if (this.#length > lineBytes)
      throw new SnapshotFailure('SNAPSHOT_TOO_LARGE', `line ${this.#number + 1} is longer than ${lineBytes} bytes`);
  }

  #line(): SourceEvent[] {
    const bytes = this.#begun.length === 1 ? this.#begun[0]! : Buffer.concat(this.#begun);
    this.#begun.length = this.#length = 0;
    const event = eventOf(bytes, ++this.#number);
    return event ? [event] : [];
  }
}

/** @param number - of the line, for the message @returns undefined for an empty line */
function eventOf(bytes: Buffer, number: number): SourceEvent | undefined {
  if (!isUtf8(bytes)) throw new SnapshotFailure('SNAPSHOT_INVALID', `line ${number} is not UTF-8`);
  const text = bytes.toString();
  // Windows puts a byte order mark before text.
  const line = number === 1 ? text.replace(/^\ufeff/, '') : text;
  if (line === '' || line === '\r') return undefined;
  try {
    return parseSnapshotLine(line);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new SnapshotFailure('SNAPSHOT_INVALID', `line ${number}: ${error.message}`);
  }
}
