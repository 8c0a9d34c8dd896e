import { spawn } from 'node:child_process';
import { delimiter, join, resolve } from 'node:path';

const colour = process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' };

/** What a check throws when it found something; the message is for the person who has to mend it. */
export class Problem extends Error {}

/**
 * Runs a tool of this repository and gives what it printed; throws a {@link Problem} with that when the tool fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string>}
 */
export function run(command, ...args) {
  const PATH = resolve('node_modules/.bin') + delimiter + process.env.PATH;
  const child = spawn(command, args, { env: { ...process.env, PATH, ...colour }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return new Promise((done, fail) => {
    child.on('error', (error) => fail(new Problem(`${command}: ${error.message}`)));
    child.on('close', (code) =>
      code === 0
        ? done(output)
        : fail(new Problem(output.replace(/^\n+/, '').trimEnd() || `${command} ended with ${code}`)),
    );
  });
}

/**
 * Packs a package as it would be published.
 *
 * @param {string} folder - where the tarball goes
 * @param {string} name
 * @returns {Promise<string>} the tarball
 */
export async function packInto(folder, name) {
  const output = await run('npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder, '-w', name);
  return join(folder, JSON.parse(output)[0].filename);
}

/** The files of the repository, those not yet added included; ignored ones not. */
export async function repositoryFiles() {
  const listed = await run('git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  return listed.split('\0').filter((file) => file !== '');
}
