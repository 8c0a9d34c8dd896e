/// <reference types="node" />
import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
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
   * LMDB goes on with a file that was deleted, and everything written to it is gone with the process.
   * @throws SSEError LOG_UNAVAILABLE when there is no file any more, or another one
   */
  check(): void {
    const { dev, ino } = this.#opened;
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there?.dev === dev && there.ino === ino) return;
    throw new SSEError('LOG_UNAVAILABLE', `${this.#path} was taken away while the log was open`, {
      outcome: 'rejected',
    });
  }
}
