import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type PublishInput, SSEError, type SSEServer } from 'tinysse';
import { Refused, refusal } from '../http/answer.js';
import { readBody } from '../http/body.js';
import { parseLine } from './publish-line.js';

const MOST_BYTES = 8 * 2 ** 20;
const MOST_LINES = 10_000;
/**
 * What is published in one turn at most: a durable log commits as much at once, and subscribers and other requests are
 * served in between. A channel that the log does not know costs it more than an event does.
 */
const BATCH = { lines: 1_000, length: 2 ** 20, channels: 1_000, parseMs: 10 };

/** What a request of many events may do. */
export interface LinesRights {
  /** Throws when whoever asks may not publish to a channel. */
  readonly mayPublish: (channels: readonly string[]) => void;
  /** Whose keys the events have; see `publisher` of the library's `send`. */
  readonly publisher: string | undefined;
  readonly channelsPerEvent: number;
}

/** A line that has been read: the event, or why there is none. */
type Line = { readonly input: PublishInput } | { readonly error: unknown };

/** The type of a body whose lines are JSON. */
export const isLines = (type: string | undefined): boolean =>
  type !== undefined && /^application\/x-ndjson *(;|$)/i.test(type);

/**
 * `POST /publish` with `content-type: application/x-ndjson`: each line an event `{"channels":[…],"event","data","key"}`,
 * answered by lines in the same order, `{"id"}` or `{"error":{"code","message"}}`. Empty lines are skipped and have no
 * answer. A refused line stops no other. When the log fails, the events after it are not stored but answered with the same
 * error, so that a retry keeps the order.
 */
export async function publishLines(
  sse: SSEServer,
  req: IncomingMessage,
  res: ServerResponse,
  rights: LinesRights,
): Promise<void> {
  const lines = linesOf(await readBody(req, res, MOST_BYTES, 'BODY_TOO_LARGE'));
  const answers: string[] = [];
  while (answers.length < lines.length) {
    const outage = await publishBatch(sse, readBatch(lines, answers.length, rights), answers);
    if (outage) answers.push(...Array<string>(lines.length - answers.length).fill(outage));
    else if (answers.length < lines.length) await nextTurn();
  }
  const body = Buffer.from(answers.join(''));
  res.writeHead(200, ['content-type', 'application/x-ndjson', 'content-length', String(body.length)]);
  res.end(body);
}

/** The lines that are not empty. Both kinds count, so that neither can hold up the hub. */
function linesOf(body: Buffer): string[] {
  if (!isUtf8(body)) throw new Refused(400, 'INVALID_DATA', 'the body is not UTF-8; nothing was published');
  // Windows puts a byte order mark before text.
  const text = body.toString().replace(/^\ufeff/, '');
  const lines: string[] = [];
  let count = 0;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    if (++count > MOST_LINES)
      throw new Refused(413, 'TOO_MANY_LINES', `more than ${MOST_LINES} lines; nothing was published`);
    const line = text.slice(start, end < 0 ? text.length : end);
    if (line !== '' && line !== '\r') lines.push(line);
    start = end < 0 ? text.length : end + 1;
  }
  return lines;
}

/** Reads lines from `from` on, as many as one turn publishes, at least one. */
function readBatch(lines: readonly string[], from: number, rights: LinesRights): Line[] {
  const batch: Line[] = [];
  const until = performance.now() + BATCH.parseMs;
  for (let i = from, length = 0, channels = 0; i < lines.length; i++) {
    const line = readLine(lines[i]!, rights);
    batch.push(line);
    length += lines[i]!.length;
    if ('input' in line) channels += line.input.channels.length;
    const full = batch.length === BATCH.lines || length >= BATCH.length || channels >= BATCH.channels;
    if (full || performance.now() >= until) break;
  }
  return batch;
}

function readLine(text: string, { mayPublish, publisher, channelsPerEvent }: LinesRights): Line {
  try {
    const input = parseLine(text, channelsPerEvent);
    mayPublish(input.channels);
    input.publisher = publisher;
    return { input };
  } catch (error) {
    return { error };
  }
}

/** @param answers - is given one for each line @returns the one that says that the log fails */
async function publishBatch(sse: SSEServer, batch: readonly Line[], answers: string[]): Promise<string | undefined> {
  const results = await sse.sendAll(batch.flatMap((line) => ('input' in line ? line.input : [])));
  let outage: string | undefined;
  let next = 0;
  for (const line of batch) {
    const result = 'input' in line ? results[next++]! : undefined;
    if (result?.status === 'fulfilled') {
      answers.push(`{"id":"${result.value}"}\n`);
      continue;
    }
    const { status, text } = answerOf(result ? result.reason : (line as { error: unknown }).error);
    if (status >= 500) outage = text;
    answers.push(text);
  }
  return outage;
}

function answerOf(error: unknown): { status: number; text: string } {
  // Anything else is the hub's own mistake, and the answer to the whole request.
  if (!(error instanceof SSEError || error instanceof Refused)) throw error;
  const { status, code, message } = refusal(error);
  return { status, text: `${JSON.stringify({ error: { code, message } })}\n` };
}
