/// <reference types="node" />
import type { LogEntry } from './log.js';

/** Numbers in keys have 48 bits, high bytes first, so that keys sort as their numbers do. */
const NUMBER_BYTES = 6;

/** The highest offset that a query needs to name. */
export const MAX_OFFSET = 2 ** 48 - 2;

/** A key that is one offset. */
export const offsetKey = {
  writeKey: (offset: number, target: Buffer, at: number): number => target.writeUIntBE(offset, at, NUMBER_BYTES),
  readKey: (source: Buffer, at: number): number => source.readUIntBE(at, NUMBER_BYTES),
};

/** A key that is a channel's number and an offset; read, it is the offset. */
export const indexKey = {
  writeKey([id, offset]: [number, number], target: Buffer, at: number): number {
    return target.writeUIntBE(offset, target.writeUIntBE(id, at, NUMBER_BYTES), NUMBER_BYTES);
  },
  readKey: (source: Buffer, at: number): number => source.readUIntBE(at + NUMBER_BYTES, NUMBER_BYTES),
};

/** A key that is text. */
export const nameKey = {
  writeKey: (name: string, target: Buffer, at: number): number => at + target.write(name, at),
  readKey: (source: Buffer, at: number, end: number): string => source.toString('utf8', at, end),
};

/** What an entry's row says beside its data. */
export type EntryHead = Omit<LogEntry, 'offset' | 'data'>;

const LF = 0x0a;

/** An entry's row: a line of JSON, then the data as it is. JSON holds no line feed. */
export function rowOf({ time, size, channels, event, data }: LogEntry): Buffer {
  return Buffer.from(`${JSON.stringify([time, size, channels, event])}\n${data}`);
}

/** Reads a row's first line, and where its data begins; undefined when there is no row, or not one of {@link rowOf}. */
export function headOf(row: Buffer | undefined): { head: EntryHead; dataAt: number } | undefined {
  const end = row?.indexOf(LF) ?? -1;
  if (!row || end < 0) return undefined;
  try {
    const [time, size, channels, event] = JSON.parse(row.toString('utf8', 0, end));
    if (!Number.isFinite(time) || !Number.isFinite(size) || !Array.isArray(channels)) return undefined;
    return { head: { time, size, channels, event: event ?? undefined }, dataAt: end + 1 };
  } catch {
    return undefined;
  }
}

/** Reads a row; undefined when it cannot be read. */
export function entryOf(offset: number, row: Buffer | undefined): LogEntry | undefined {
  const read = headOf(row);
  return read && { offset, ...read.head, data: (row as Buffer).toString('utf8', read.dataAt) };
}
