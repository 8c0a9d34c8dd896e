import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runtimePrograms } from '../../scripts/runtimes.mjs';
import { ROOT } from './processes.mjs';

/** Of the hub with keys, and of those who sign tokens for it. */
export const BENCH_SECRET = 'a secret of the bench, 32 bytes or more';

const node = (file) => (port, root) => ({ command: [process.execPath, join(root, 'bench', file), String(port)] });
const program =
  (...flags) =>
  (port, root) => ({
    command: [
      process.execPath,
      join(root, 'packages/tinysse-hub/bin/tinysse-hub.js'),
      ...['serve', '--memory', '--port', String(port), '--log-level', 'error', ...flags],
    ],
  });
const bun = (file) => (port, root) => ({ command: [bunProgram(), join(root, 'bench', file), String(port)] });
const noBun = () => (bunProgram() ? undefined : 'bun is neither installed by npm nor on PATH');

/**
 * What is measured.
 *
 * @typedef {{ title: string, ours: boolean, start(port: number, root: string): { command: string[], clean?: () => void },
 *   absent?(): string | undefined, eventsPath?: string, publishPath?: string,
 *   snapshotPort?(port: number): number }} Subject
 */

/** @type {Record<string, Subject>} */
export const subjects = {
  program: { title: 'tinysse-hub', ours: true, start: program() },
  programWithKeys: { title: 'tinysse-hub with keys', ours: true, start: program('--jwt-secret', BENCH_SECRET) },
  // What is published while clients come back must not evict what they come back for.
  retaining: { title: 'tinysse-hub', ours: true, start: program('--retain-events', '10000') },
  library: { title: 'tinysse in node:http', ours: true, start: node('servers/library.mjs') },
  snapshotUrl: {
    title: 'tinysse-hub',
    ours: true,
    start: (port, root) => program('--snapshot-url', `http://127.0.0.1:${port + 1}/`)(port, root),
    snapshotPort: (port) => port + 1,
  },
  snapshots: { title: 'tinysse in node:http', ours: true, start: node('servers/snapshots.mjs') },
  fetch: { title: 'tinysse, fetch on Node', ours: true, start: node('servers/fetch.mjs') },
  honoNode: { title: "tinysse in Hono, Node's response", ours: true, start: node('servers/hono-node.mjs') },
  fetchBun: { title: 'tinysse, fetch on Bun', ours: true, start: bun('servers/fetch.mjs'), absent: noBun },
  limit: { ours: false, title: 'limit: one Buffer to every raw socket', start: node('peers/limit.mjs') },
  naive: { ours: false, title: 'res.write loop', start: node('peers/naive.mjs') },
  bare: { ours: false, title: 'bare node:http', start: node('peers/bare.mjs') },
  sharedBuffer: { ours: false, title: 'loop with one shared Buffer', start: node('peers/shared-buffer.mjs') },
  betterSse: { ours: false, title: 'better-sse', start: node('peers/better-sse.mjs') },
  fastify: { ours: false, title: '@fastify/sse', start: node('peers/fastify.mjs') },
  hono: { ours: false, title: 'Hono streamSSE', start: node('peers/hono.mjs') },
  honoBun: { ours: false, title: 'Hono streamSSE on Bun', start: bun('peers/hono.mjs'), absent: noBun },
  h3: { ours: false, title: 'h3', start: node('peers/h3.mjs') },
  nchan: {
    ours: false,
    title: 'nchan (nginx)',
    start: startNchan,
    absent: () => (nchanModule() ? undefined : 'nginx with nchan is not installed: apt install libnginx-mod-nchan'),
  },
};

function startNchan(port) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nchan-'));
  mkdirSync(join(folder, 'logs'));
  const values = { MODULE: nchanModule(), FOLDER: folder, PORT: String(port) };
  const template = readFileSync(join(ROOT, 'bench/peers/nchan.conf'), 'utf8').replace(/^#.*\n/gm, '');
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    template.replace(/\b(MODULE|FOLDER|PORT)\b/g, (name) => values[name]),
  );
  return {
    command: ['nginx', '-p', folder, '-c', file],
    clean: () => rmSync(folder, { recursive: true, force: true }),
  };
}

let module;
/** The path of nchan's module; NCHAN_MODULE names it where nginx does not keep its own. */
function nchanModule() {
  module ??= (() => {
    const { stderr, error } = spawnSync('nginx', ['-V'], { encoding: 'utf8' });
    if (error) return '';
    const folder = /--modules-path=(\S+)/.exec(stderr)?.[1] ?? '/usr/lib/nginx/modules';
    const file = process.env.NCHAN_MODULE ?? join(folder, 'ngx_nchan_module.so');
    return existsSync(file) ? file : '';
  })();
  return module;
}

let bunPath;
/** The path of Bun: the one that `npm run runtimes` installed, or the one on PATH. */
function bunProgram() {
  bunPath ??=
    [runtimePrograms.Bun].find(existsSync) ?? spawnSync('which', ['bun'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  return bunPath;
}

/** The versions of what is compared, for the report. */
export function versions() {
  const found = { node: process.versions.node };
  for (const name of [
    'tinysse',
    'better-sse',
    '@fastify/sse',
    'hono',
    '@hono/node-server',
    'h3',
    'eventsource-parser',
  ]) {
    const file = ['bench', '.']
      .map((folder) => join(ROOT, folder, 'node_modules', name, 'package.json'))
      .find(existsSync);
    if (file) found[name] = JSON.parse(readFileSync(file, 'utf8')).version;
  }
  if (bunProgram()) found.bun = spawnSync(bunProgram(), ['--version'], { encoding: 'utf8' }).stdout.trim();
  if (nchanModule()) found.nginx = /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr)?.[1];
  return found;
}
