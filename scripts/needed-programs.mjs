import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** The programs that the tests use, and the Debian package that brings each. This is the one place that lists them. */
export const neededPrograms = {
  chromium: 'chromium',
  'firefox-esr': 'firefox-esr',
  'redis-server': 'redis-server',
  openssl: 'openssl',
  curl: 'curl',
  nginx: 'nginx',
  haproxy: 'haproxy',
  caddy: 'caddy',
  go: 'golang-go',
  'systemd-analyze': 'systemd',
  'mkfs.ext4': 'e2fsprogs',
  mount: 'mount',
};

/**
 * The absolute path of a program: found on PATH, or given.
 *
 * @param {string} name
 * @returns {string | undefined}
 */
export function findProgram(name) {
  if (isAbsolute(name)) return isExecutable(name) ? name : undefined;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const file = resolve(join(folder, name));
    if (isExecutable(file)) return file;
  }
  return undefined;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
