// npm run rehearsal: publishes both packages to a scratch registry on this machine, installs them from it in new folders, and
// runs the lines of their READMEs there: plain JavaScript, strict TypeScript, and the hub program.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examplesOf } from '../scripts/readme-examples.mjs';
import { publish, stagePackages } from '../scripts/release/stage.mjs';
import { cleanUp, firstLine, freePort, ready, run, scratchFolder, start } from './processes.mjs';
import { startRegistry } from './registry.mjs';

// The address that a release would get from its owner. Nothing connects to it.
const REPOSITORY = 'https://repository.invalid/owner/tinysse';
const TIMEOUT_MS = 60_000;

const began = performance.now();
/** @param {string} what */
const done = (what) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`);

/**
 * A new folder in which README's lines are run as a person would type them, from the package as npm delivers it.
 *
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
function newFolder(name, env) {
  const folder = scratchFolder(name);
  return {
    folder,
    /** @param {string[]} command */
    run: (...command) => run(command, { cwd: folder, env }),
    /** @param {string[]} command */
    start: (...command) => start(command, { cwd: folder, env }),
    /** @param {string} file @param {string} text */
    write: (file, text) => writeFileSync(join(folder, file), text),
  };
}

/** @param {string} file */
const readme = (file) => examplesOf(readFileSync(new URL(file, import.meta.url), 'utf8'));
const repositoryReadme = readme('../README.md');
const hubReadme = readme('../packages/tinysse-hub/README.md');

/** The words of an example that is one command. @param {typeof hubReadme} examples @param {string} name */
const command = (examples, name) => examples.get(name).code.trim().split(' ');

/** Runs the server and the client of README, and waits for the first event at the client. */
async function firstEvent(app, server, client) {
  const running = app.start('node', server);
  const line = await firstLine(app.start('node', client), /^\d{4}-\d\d-\d\dT/, TIMEOUT_MS);
  await running.end();
  return line;
}

/** @param {NodeJS.ProcessEnv} env */
async function library(env) {
  const app = newFolder('app', env);
  const started = performance.now();
  await app.run('npm', 'init', '-y');
  await app.run(...command(repositoryReadme, 'install'));
  // The README that came with the package.
  const examples = examplesOf(readFileSync(join(app.folder, 'node_modules/tinysse/README.md'), 'utf8'));
  const port = String(await freePort());
  /** @param {string} name @param {string} file */
  const save = (name, file) => app.write(file, examples.get(name).code.replaceAll('8080', port));
  save('quick server', 'server.mjs');
  save('quick client', 'client.mjs');
  const event = await firstEvent(app, 'server.mjs', 'client.mjs');
  done(`JavaScript: ${event}, ${((performance.now() - started) / 1000).toFixed(1)} s after npm init`);

  await app.run('npm', 'install', '--save-dev', 'typescript', '@types/node');
  save('quick server', 'server.mts');
  save('quick client', 'client.mts');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--types', 'node'];
  const target = ['--module', 'nodenext', '--target', 'es2022', '--outDir', 'out'];
  await app.run('npx', 'tsc', ...strict, ...target, 'server.mts', 'client.mts');
  done(`TypeScript, strict: ${await firstEvent(app, 'out/server.mjs', 'out/client.mjs')}`);

  const found = await app.run('npm', 'view', 'tinysse', 'repository.url', 'homepage', 'bugs.url', '--json');
  for (const address of Object.values(JSON.parse(found)))
    if (!address.includes(REPOSITORY)) throw new Error(`The registry says: ${found}`);
}

/** @param {NodeJS.ProcessEnv} env */
async function hub(env) {
  const port = String(await freePort());
  const app = newFolder('hub', { ...env, TINYSSE_PORT: port, TINYSSE_URL: `http://127.0.0.1:${port}` });
  await app.run('npm', 'init', '-y');
  await app.run(...command(hubReadme, 'install'));
  const hub = app.start(...command(hubReadme, 'serve'));
  await ready(hub, `http://127.0.0.1:${port}/readyz`, TIMEOUT_MS);
  const tail = app.start(...command(hubReadme, 'tail'));
  const heard = firstLine(tail, /hello/, TIMEOUT_MS);
  // The subscriber may connect after an event: publish until it has heard one.
  let waiting = true;
  const publishing = (async () => {
    while (waiting) await app.run(...command(hubReadme, 'publish'));
  })();
  try {
    done(`npx tinysse-hub serve, publish, tail: ${await heard}`);
  } finally {
    waiting = false;
    await publishing;
  }
  await tail.end();
  await hub.end();
}

try {
  const registry = await startRegistry();
  done('a scratch registry is running');
  const staging = scratchFolder('packages');
  mkdirSync(staging, { recursive: true });
  for (const staged of stagePackages(staging, REPOSITORY)) {
    const isNew = () => publish(staged, ['--loglevel', 'error'], registry.env);
    // Again, as a release that is repeated.
    if (!(await isNew()) || (await isNew())) throw new Error(`${staged.name} was not published once and then left.`);
    done(`${staged.name} ${staged.version} is published there`);
  }
  await library(registry.env);
  await hub(registry.env);
  done('The rehearsal has passed.');
} catch (error) {
  console.error(`The rehearsal has failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
