/// <reference types="node" />
import { closeSync, openSync, readSync, type Stats, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { SSEError } from '../errors.js';

const MAGIC = 0xbeefc0de;
const VERSION = 2;
/** Where a page's header ends and a meta page's own fields begin: magic, version, …, page size. */
const FIELDS_AT = 24;
const PAGE_SIZE_AT = 48;

/**
 * Sees to it that a directory's data file, if it has one, is LMDB's: lmdb-js 3.5 ends the process with a segmentation
 * fault where it should refuse one.
 * @throws SSEError LOG_FORMAT, or what the file system says
 */
export function checkFile(path: string): void {
  let file: number;
  try {
    file = openSync(join(path, 'data.mdb'), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const [first, second] = [Buffer.alloc(PAGE_SIZE_AT + 4), Buffer.alloc(PAGE_SIZE_AT + 4)];
    if (readSync(file, first, 0, first.length, 0) === 0) return;
    readSync(file, second, 0, second.length, first.readUInt32LE(PAGE_SIZE_AT));
    if (isMeta(first) && isMeta(second)) return;
  } finally {
    closeSync(file);
  }
  throw new SSEError('LOG_FORMAT', `${path} holds a data.mdb that is damaged, or none of this version of LMDB`, {
    outcome: 'rejected',
  });
}

const isMeta = (page: Buffer): boolean =>
  page.readUInt32LE(FIELDS_AT) === MAGIC && page.readUInt32LE(FIELDS_AT + 4) === VERSION;

/** A directory's data file, which an open log has mapped into memory. */
export class DataFile {
  readonly #path: string;
  readonly #opened: Stats;

  constructor(path: string) {
    this.#path = join(path, 'data.mdb');
    this.#opened = statSync(this.#path);
  }

  /**
   * LMDB goes on with a file that was deleted, and everything written to it is gone with the process. When the disk has turned
   * read-only, lmdb-js 3.5 writes its message of the failed write beyond the memory that it has for it, which ends the process.
   * @throws SSEError LOG_UNAVAILABLE when there is no file any more, or another one, or none that can be written
   */
  check(): void {
    const { dev, ino } = this.#opened;
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there?.dev !== dev || there.ino !== ino)
      throw new SSEError('LOG_UNAVAILABLE', `${this.#path} was taken away while the log was open`, {
        outcome: 'rejected',
      });
    try {
      // Only a change shows it: a file system that has shut itself down after an error still says that it can be written.
      const now = new Date();
      utimesSync(this.#path, now, now);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      // Whoever may write a file need not be allowed to set its times.
      if (code !== 'EROFS' && code !== 'EIO') return;
      throw new SSEError('LOG_UNAVAILABLE', `${this.#path} cannot be written: ${(cause as Error).message}`, {
        cause,
        outcome: 'rejected',
      });
    }
  }
}
