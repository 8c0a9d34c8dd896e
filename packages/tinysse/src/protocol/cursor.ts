/** A position in a log: after the entry at `offset` in the log whose life is named by `epoch`. */
export interface Cursor {
  /** 16 lower-case hexadecimal digits. */
  epoch: string;
  /** A non-negative safe integer; 0 is before the first entry. */
  offset: number;
}

const CURSOR = /^([0-9a-f]{16})-(0|[1-9][0-9]{0,15})$/;

/** Writes a cursor as it stands in `id:` and Last-Event-ID. */
export function formatCursor(epoch: string, offset: number): string {
  return `${epoch}-${offset}`;
}

/** Reads a cursor; undefined when the text is not one, which is no error: clients may come from other servers. */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (!match) return undefined;
  const offset = Number(match[2]);
  return Number.isSafeInteger(offset) ? { epoch: match[1]!, offset } : undefined;
}

/** A new epoch: 64 random bits. */
export function randomEpoch(): string {
  let hex = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(8))) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
