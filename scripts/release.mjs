// npm run release                with provenance: only where continuous integration runs (.github/workflows/publish.yml)
// npm run release -- --dry-run   shows what would be published
// Both need TINYSSE_REPOSITORY, the address of the repository on the web. Other options go to `npm publish`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkVersions, publish, repositoryUrl, stagePackages } from './release/stage.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const options = process.argv.slice(2);
const dryRun = options.includes('--dry-run');

const staging = mkdtempSync(join(tmpdir(), 'tinysse-release-'));
try {
  const url = repositoryUrl(process.env.TINYSSE_REPOSITORY);
  const version = checkVersions();
  const changes = execFileSync('git', ['status', '--porcelain'], { encoding: 'utf8' });
  if (changes && !dryRun) throw new Error(`There are changes that are not committed:\n${changes}`);
  // What earlier builds left behind is not published.
  for (const name of ['tinysse', 'tinysse-hub']) rmSync(`packages/${name}/dist`, { recursive: true, force: true });
  execFileSync('npx', ['tsc', '-b', '--force'], { stdio: 'inherit', shell: process.platform === 'win32' });

  for (const staged of stagePackages(staging, url)) {
    const { name, folder } = staged;
    const { repository, homepage, bugs } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    console.log(`${name} ${version}:`, { repository, homepage, bugs });
    const isNew = await publish(staged, dryRun ? options : ['--provenance', ...options]);
    if (!isNew) console.log(`${name} ${version} is published already: left as it is.`);
  }
  console.log(dryRun ? 'Dry run: nothing was published.' : `Published ${version}. Tag the commit: v${version}.`);
} catch (error) {
  console.error(`Not released: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(staging, { recursive: true, force: true });
}
