import type { PublishInput, SourceEvent } from 'tinysse';
import { Refused } from '../http/answer.js';

/** What a line may hold, and how that is shown. */
interface Shape {
  readonly fields: ReadonlySet<string>;
  readonly shape: string;
}

const EVENT: Shape = {
  fields: new Set(['channels', 'event', 'data', 'key']),
  shape: '{"channels":[…],"data":"…"}',
};
const SNAPSHOT_EVENT: Shape = { fields: new Set(['event', 'data']), shape: '{"event":"…","data":"…"}' };
/** Parts of a line beside four for each channel that it may have. */
const MOST_PARTS = 100;
/** A line up to this length is parsed unseen: it takes 0.2 ms at most. */
const SHORT = 1_024;

type Line = Omit<PublishInput, 'channels'> & { channels: string[] };

/**
 * @param most - how many channels an event may have
 * @returns the event, unchecked but for the shape of its line and channels
 * @throws Refused 400
 */
export function parseLine(line: string, most: number): Line {
  const input = parseObject(line, EVENT, 4 * most + MOST_PARTS);
  const { channels } = input as unknown as Line;
  if (!Array.isArray(channels)) throw noChannels();
  if (channels.length > most) throw tooManyChannels(channels.length, most);
  if (!channels.every((name) => typeof name === 'string')) throw noChannels();
  return input as unknown as Line;
}

/**
 * A line of a snapshot is that of a publish, without channels and key.
 * @returns the event, unchecked but for the shape of its line
 * @throws Refused 400
 */
export const parseSnapshotLine = (line: string): SourceEvent =>
  parseObject(line, SNAPSHOT_EVENT, MOST_PARTS) as unknown as SourceEvent;

/** @throws Refused 400 for what is no JSON object, and for one with unknown fields or more parts than `most` */
function parseObject(line: string, { fields, shape }: Shape, most: number): Record<string, unknown> {
  if (line.length > SHORT && hasMoreParts(line, most))
    throw invalid(`the line has more parts than an event ${shape} may have`);
  let input: unknown;
  try {
    input = JSON.parse(line);
  } catch {
    throw invalid('the line is not JSON');
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalid(`the line is not an object ${shape}`);
  for (const name in input)
    if (!fields.has(name)) throw invalid(`unknown field ${quote(name)}; known are ${[...fields].join(', ')}`);
  return input as Record<string, unknown>;
}

export const tooManyChannels = (count: number, most: number): Refused =>
  new Refused(400, 'TOO_MANY_CHANNELS', `${count} channels are named; at most ${most} are allowed`);

const invalid = (message: string): Refused => new Refused(400, 'INVALID_LINE', message);
const noChannels = (): Refused => new Refused(400, 'NO_CHANNEL', 'the field "channels" must be an array of strings');
const quote = (name: string): string => JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)];
const SIGNS = new Set([...'[{,'].map((sign) => sign.charCodeAt(0)));

/**
 * Whether JSON has more than `most` arrays, objects, fields and items: JSON.parse takes a microsecond for each of
 * millions, and nobody else gets an answer meanwhile.
 */
function hasMoreParts(json: string, most: number): boolean {
  let parts = 0;
  for (let i = 0; i < json.length; i++) {
    const sign = json.charCodeAt(i);
    if (sign === QUOTE) i = endOfString(json, i);
    else if (SIGNS.has(sign) && ++parts > most) return true;
  }
  return false;
}

/** Where a string ends that begins at `start`; the end of the text for one that does not end. */
function endOfString(json: string, start: number): number {
  for (let i = start + 1; i < json.length; i++) {
    const sign = json.charCodeAt(i);
    if (sign === QUOTE) return i;
    if (sign === BACKSLASH) i++;
  }
  return json.length;
}
