import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installRuntimes, runtimePrograms } from '../scripts/runtimes.mjs';
import { firstLine, freePort, run, scratchFolder, start } from './processes.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const VERDACCIO = join(HERE, 'node_modules/verdaccio/bin/verdaccio');
const NEEDED_NODE = 22;
const START_MS = 60_000;

/** The Node that runs the registry: this one, if it is new enough. */
function nodeOfRegistry() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_NODE) return process.execPath;
  if (!installRuntimes()) throw new Error(`The registry needs Node ${NEEDED_NODE}, which npm could not install.`);
  return runtimePrograms['Node 22'];
}

/**
 * The scratch registry takes everything but our packages from the registry that this machine's npm is configured for. Only the
 * address of that registry is passed on, without tokens, proxies or certificates.
 */
async function configuration(folder) {
  const uplink = (await run(['npm', 'config', 'get', 'registry'], { cwd: HERE })).trim();
  const everybody = ['access: $all', 'publish: $all', 'unpublish: $all'];
  const ours = ['tinysse', 'tinysse-hub'].flatMap((name) => [`  ${name}:`, ...everybody.map((rule) => `    ${rule}`)]);
  return [
    `storage: ${JSON.stringify(join(folder, 'storage'))}`,
    'uplinks:',
    '  configured:',
    `    url: ${JSON.stringify(uplink)}`,
    // After two failures verdaccio would stop asking it for minutes.
    '    max_fails: 100',
    '    timeout: 60s',
    'packages:',
    ...ours,
    "  '**':",
    '    access: $all',
    '    proxy: configured',
    'log: { type: stdout, format: pretty, level: warn }',
    '',
  ].join('\n');
}

/**
 * Starts a registry on this machine.
 *
 * @returns {Promise<{ env: NodeJS.ProcessEnv }>} the environment in which npm uses it, with a cache of its own
 */
export async function startRegistry() {
  if (!existsSync(VERDACCIO)) {
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'], {
      cwd: HERE,
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error('npm could not install the registry.');
  }
  const node = nodeOfRegistry();
  const folder = scratchFolder('registry');
  const port = await freePort();
  const config = join(folder, 'config.yaml');
  writeFileSync(config, await configuration(folder));
  const address = `127.0.0.1:${port}`;
  const registry = start([node, VERDACCIO, '--config', config, '--listen', address], { cwd: folder });
  await firstLine(registry, /http address/, START_MS);

  const npmrc = join(folder, 'npmrc');
  // Anybody may publish there, but npm wants to be somebody.
  writeFileSync(npmrc, `registry=http://${address}/\n//${address}/:_authToken=rehearsal\nupdate-notifier=false\n`);
  return {
    env: { ...withoutNpm(process.env), npm_config_userconfig: npmrc, npm_config_cache: join(folder, 'cache') },
  };
}

/** `npm run` tells its children the settings of its own folder. @param {NodeJS.ProcessEnv} env */
const withoutNpm = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
