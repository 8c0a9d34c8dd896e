import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type PublishInput, SSEError, type SSEServer } from 'tinysse';
import { Refused, refusal } from '../http/answer.js';
import { readBody } from '../http/body.js';

const MOST_BYTES = 8 * 2 ** 20;
const MOST_LINES = 10_000;
/** What is published in one turn. A durable log commits as much at once, and subscribers are served in between. */
const BATCH = { lines: 1_000, length: 2 ** 20 };

const FIELDS = new Set(['channels', 'event', 'data', 'key']);

/** Throws when whoever asks may not publish to a channel. */
export type MayPublish = (channels: readonly string[]) => void;

/** The type of a body whose lines are JSON. */
export const isLines = (type: string | undefined): boolean =>
  type !== undefined && /^application\/x-ndjson *(;|$)/i.test(type);

/**
 * `POST /publish` with `content-type: application/x-ndjson`: each line an event `{"channels":[…],"event","data","key"}`,
 * answered by lines in the same order, `{"id"}` or `{"error":{"code","message"}}`. A refused line stops no other. When
 * the log fails, the batches after it are not tried but answered with the same error, so that a retry keeps the order.
 */
export async function publishLines(
  sse: SSEServer,
  req: IncomingMessage,
  res: ServerResponse,
  mayPublish: MayPublish,
): Promise<void> {
  const lines = linesOf(await readBody(req, res, MOST_BYTES, 'BODY_TOO_LARGE'));
  const answers: string[] = [];
  while (answers.length < lines.length) {
    const batch = lines.slice(answers.length, endOfBatch(lines, answers.length));
    const outage = await publishBatch(sse, batch, mayPublish, answers);
    if (outage) answers.push(...Array<string>(lines.length - answers.length).fill(outage));
    else if (answers.length < lines.length) await nextTurn();
  }
  const body = Buffer.from(answers.join(''));
  res.writeHead(200, ['content-type', 'application/x-ndjson', 'content-length', String(body.length)]);
  res.end(body);
}

/** @param answers - is given one for each line @returns the last of those that say that the log fails */
async function publishBatch(
  sse: SSEServer,
  lines: readonly string[],
  mayPublish: MayPublish,
  answers: string[],
): Promise<string | undefined> {
  const inputs: PublishInput[] = [];
  /** By line, those that are refused before they are published. */
  const refused = new Map<number, unknown>();
  for (let i = 0; i < lines.length; i++)
    try {
      const input = parseLine(lines[i]!);
      mayPublish(input.channels as string[]);
      inputs.push(input);
    } catch (error) {
      refused.set(i, error);
    }
  const results = await sse.sendAll(inputs);
  let outage: string | undefined;
  let next = 0;
  for (let i = 0; i < lines.length; i++) {
    const result = refused.has(i) ? undefined : results[next++];
    if (result?.status === 'fulfilled') {
      answers.push(`{"id":"${result.value}"}\n`);
      continue;
    }
    const { status, text } = answerOf(result ? result.reason : refused.get(i));
    if (status >= 500) outage = text;
    answers.push(text);
  }
  return outage;
}

function linesOf(body: Buffer): string[] {
  if (!isUtf8(body)) throw new Refused(400, 'INVALID_DATA', 'the body is not UTF-8; nothing was published');
  const lines = body.toString().split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > MOST_LINES)
    throw new Refused(413, 'TOO_MANY_LINES', `more than ${MOST_LINES} lines; nothing was published`);
  return lines;
}

function endOfBatch(lines: readonly string[], from: number): number {
  let length = 0;
  let to = from;
  while (to < lines.length && to - from < BATCH.lines && length < BATCH.length) length += lines[to++]!.length;
  return to;
}

function answerOf(error: unknown): { status: number; text: string } {
  // Anything else is the hub's own mistake, and the answer to the whole request.
  if (!(error instanceof SSEError || error instanceof Refused)) throw error;
  const { status, code, message } = refusal(error);
  return { status, text: `${JSON.stringify({ error: { code, message } })}\n` };
}

/** @returns the event, unchecked but for the shape of its line and channels */
function parseLine(line: string): PublishInput {
  let input: unknown;
  try {
    input = JSON.parse(line);
  } catch {
    throw new Refused(400, 'INVALID_LINE', 'the line is not JSON');
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new Refused(400, 'INVALID_LINE', 'the line is not an object {"channels":[…],"data":"…"}');
  for (const name in input)
    if (!FIELDS.has(name))
      throw new Refused(
        400,
        'INVALID_LINE',
        `unknown field ${JSON.stringify(name)}; known are ${[...FIELDS].join(', ')}`,
      );
  const { channels } = input as PublishInput;
  if (!Array.isArray(channels) || !channels.every((name) => typeof name === 'string'))
    throw new Refused(400, 'NO_CHANNEL', 'the field "channels" must be an array of strings');
  return input as PublishInput;
}
