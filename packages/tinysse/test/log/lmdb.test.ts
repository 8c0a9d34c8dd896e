import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LmdbLogOptions, lmdbLog } from 'tinysse/lmdb';
import { logSuite } from 'tinysse/testing';
import { afterAll, describe, test } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'tinysse-lmdb-'));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const directory = (): string => join(root, String(++made));

describe('lmdbLog keeps the contract of a log', () => {
  for (const { name, run } of logSuite)
    test(name, () => run((options) => lmdbLog({ path: directory(), ...(options as Partial<LmdbLogOptions>) })));
});
