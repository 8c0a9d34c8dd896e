import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The packages in the order in which they are published: the program depends on the library. */
const PACKAGES = ['tinysse', 'tinysse-hub'];

/**
 * Checks the address of the repository on the web, for example `https://host/owner/name`.
 *
 * @param {string | undefined} address
 * @returns {string} the address without `.git` and slashes at its end
 */
export function repositoryUrl(address) {
  if (!address) {
    throw new Error(
      'TINYSSE_REPOSITORY is not set. Set it to the address of the repository on the web (https://host/owner/name): ' +
        'the packages get `repository`, `homepage` and `bugs` from it.',
    );
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const plain = url && !url.username && !url.password && !url.search && !url.hash;
  if (!plain || url.protocol !== 'https:' || !/^\/[^/]+\/[^/]+/.test(url.pathname))
    throw new Error(
      'TINYSSE_REPOSITORY must look like https://host/owner/name, without a user, a query or a fragment.',
    );
  return url.href.replace(/(\.git)?\/*$/, '');
}

/**
 * Copies the built packages into a folder and adds what only a release knows: `repository`, `homepage`, `bugs`, and the
 * address of what their READMEs link to.
 *
 * @param {string} folder
 * @param {string} url - from {@link repositoryUrl}
 * @returns {{ name: string, version: string, folder: string }[]} what to publish, in this order
 */
export function stagePackages(folder, url) {
  return PACKAGES.map((name) => {
    const directory = `packages/${name}`;
    const from = resolve(ROOT, directory);
    if (!existsSync(join(from, 'dist'))) throw new Error(`${directory} is not built: run npm run build.`);
    const to = join(folder, name);
    mkdirSync(to, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
    for (const file of ['LICENSE', ...manifest.files]) cpSync(join(from, file), join(to, file), { recursive: true });
    const { name: _, version, description, ...rest } = manifest;
    const filled = {
      name,
      version,
      description,
      homepage: `${url}#readme`,
      bugs: `${url}/issues`,
      repository: { type: 'git', url: `git+${url}.git`, directory },
      ...rest,
    };
    writeFileSync(join(to, 'package.json'), `${JSON.stringify(filled, null, 2)}\n`);
    const readme = readFileSync(join(from, 'README.md'), 'utf8');
    writeFileSync(join(to, 'README.md'), absoluteLinks(readme, directory, `${url}/blob/v${version}`));
    return { name, version, folder: to };
  });
}

/**
 * Relative links of a Markdown text, made absolute: npm shows a README outside of its repository.
 *
 * @param {string} markdown
 * @param {string} directory - the folder of the text in the repository
 * @param {string} base - the address of the repository's files
 */
export function absoluteLinks(markdown, directory, base) {
  return markdown.replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, link) => {
    const { pathname, hash } = new URL(link, `https://repository.invalid/${directory}/`);
    return `](${base}${pathname}${hash})`;
  });
}

/** The versions of the packages agree, and CHANGELOG.md says what the version brings. Throws otherwise. */
export function checkVersions() {
  const [library, hub] = PACKAGES.map((name) =>
    JSON.parse(readFileSync(resolve(ROOT, 'packages', name, 'package.json'), 'utf8')),
  );
  if (hub.version !== library.version || hub.dependencies.tinysse !== library.version) {
    throw new Error(
      `tinysse is ${library.version}; tinysse-hub is ${hub.version} and depends on tinysse ${hub.dependencies.tinysse}: ` +
        'give all three the same version.',
    );
  }
  const changelog = readFileSync(resolve(ROOT, 'CHANGELOG.md'), 'utf8');
  if (!changelog.includes(`\n## ${library.version}\n`))
    throw new Error(`CHANGELOG.md has no section "## ${library.version}".`);
  return library.version;
}

/**
 * Publishes a staged package with npm, unless the registry has this version already: a release that failed between the two
 * packages can be run again.
 *
 * @param {{ name: string, version: string, folder: string }} staged - from {@link stagePackages}
 * @param {string[]} options - of `npm publish`; with `--dry-run` the registry is not asked
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<boolean>} whether npm published it; false if the registry had it
 */
export async function publish({ name, version, folder }, options, env = process.env) {
  if (!options.includes('--dry-run') && (await isPublished(`${name}@${version}`, folder, options, env))) return false;
  const args = ['publish', folder, '--access', 'public', '--ignore-scripts', ...options];
  const { status } = await npm(args, { cwd: folder, env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}.`);
  return true;
}

/** @param {string} spec @param {string} cwd @param {string[]} options @param {NodeJS.ProcessEnv} env */
async function isPublished(spec, cwd, options, env) {
  const args = ['view', spec, 'version', ...options, '--json'];
  const { status, output, errors } = await npm(args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  if (status === 0) return output.trim() !== '';
  if (output.includes('"E404"')) return false;
  throw new Error(
    `It is not known whether ${spec} is published: npm ${args.join(' ')} ended with ${status}.\n${errors}`,
  );
}

/** @param {string[]} args @param {import('node:child_process').SpawnOptions} options */
async function npm(args, options) {
  const child = spawn('npm', args, { ...options, shell: process.platform === 'win32' });
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (bytes) => (output += bytes));
  child.stderr?.on('data', (bytes) => (errors += bytes));
  const [status] = await once(child, 'close');
  return { status, output, errors };
}
