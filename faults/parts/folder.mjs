import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// First programs end, then their folders go.
import './running.mjs';

/** @type {Set<string>} */
const all = new Set();
process.once('exit', () => {
  for (const path of all) remove(path);
});

/** A new folder; gone when this process ends, at the latest. @param {string} name @returns {string} */
export function folder(name) {
  const path = mkdtempSync(join(tmpdir(), `tinysse-${name}-`));
  all.add(path);
  return path;
}

/** @param {string} path */
export function remove(path) {
  all.delete(path);
  // Programs that were killed a moment ago may still be letting go.
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
