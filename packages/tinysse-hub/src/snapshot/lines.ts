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

/**
 * Reads an answer's body as events, one a line. Empty lines are skipped; the last one needs no line end.
 * @throws SnapshotFailure SNAPSHOT_TOO_LARGE, SNAPSHOT_INVALID, and what the body throws
 */
export async function* eventsOf(
  body: AsyncIterable<Buffer>,
  { lineBytes, answerBytes }: AnswerLimits,
): AsyncGenerator<SourceEvent> {
  const begun: Buffer[] = [];
  let length = 0;
  let total = 0;
  let number = 0;
  const hold = (piece: Buffer): void => {
    begun.push(piece);
    length += piece.length;
    if (length > lineBytes)
      throw new SnapshotFailure('SNAPSHOT_TOO_LARGE', `line ${number + 1} is longer than ${lineBytes} bytes`);
  };
  const line = (): SourceEvent | undefined => {
    const bytes = begun.length === 1 ? begun[0]! : Buffer.concat(begun);
    begun.length = length = 0;
    return eventOf(bytes, ++number);
  };
  for await (const chunk of body) {
    total += chunk.length;
    if (total > answerBytes)
      throw new SnapshotFailure('SNAPSHOT_TOO_LARGE', `the answer is longer than ${answerBytes} bytes`);
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      hold(chunk.subarray(start, end));
      start = end + 1;
      const event = line();
      if (event) yield event;
    }
    if (start < chunk.length) hold(chunk.subarray(start));
  }
  const last = length > 0 ? line() : undefined;
  if (last) yield last;
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
