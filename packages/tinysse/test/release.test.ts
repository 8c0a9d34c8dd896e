import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import {
  absoluteLinks,
  checkVersions,
  publish,
  repositoryUrl,
  stagePackages,
} from '../../../scripts/release/stage.mjs';
import { examplesOf } from './readme.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

test('a release without the address of its repository is refused, with the setting that it needs', () => {
  const { status, stderr } = spawnSync(process.execPath, [resolve(root, 'scripts/release.mjs'), '--dry-run'], {
    encoding: 'utf8',
    env: { ...process.env, TINYSSE_REPOSITORY: '' },
  });
  expect(stderr).toContain('TINYSSE_REPOSITORY is not set');
  expect(status).toBe(1);
});

test.each([
  'http://host.invalid/a/b',
  'host.invalid/a/b',
  'https://host.invalid/a',
  'https://me:secret@host.invalid/a/b',
])('the address %s is refused, and not repeated', (address) => {
  expect(() => repositoryUrl(address)).toThrow(/must look like https:\/\/host\/owner\/name/);
  expect(() => repositoryUrl(address)).not.toThrow(/secret/);
});

test('both packages are staged with their addresses, and links that lead into the repository', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinysse-stage-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = repositoryUrl('https://host.invalid/owner/name.git/');
  const staged = stagePackages(folder, url);
  expect(staged.map(({ name }) => name)).toEqual(['tinysse', 'tinysse-hub']);
  for (const { name, folder, version } of staged) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      homepage: 'https://host.invalid/owner/name#readme',
      bugs: 'https://host.invalid/owner/name/issues',
      repository: { type: 'git', url: 'git+https://host.invalid/owner/name.git', directory: `packages/${name}` },
    });
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    expect(links).toContain(`${url}/blob/v${version}/docs/${name === 'tinysse' ? 'guide' : 'deployment'}.md`);
    expect(links.filter((link) => !link.startsWith('https://'))).toEqual([]);
    expect(existsSync(join(folder, 'LICENSE'))).toBe(true);
  }
});

/** A registry that has version 1.0.0 of `left`, answers `broken` with an error, and takes whatever is published. */
async function registry(): Promise<{ stage: (name: string) => Parameters<typeof publish>; published: string[] }> {
  const published: string[] = [];
  const server = createServer((req, res) => {
    const name = req.url!.slice(1);
    if (req.method === 'PUT') published.push(name);
    req.resume().on('end', () => {
      if (req.method === 'PUT') res.writeHead(201).end('{}');
      else if (name === 'broken') res.writeHead(500).end('{}');
      else if (name !== 'left') res.writeHead(404).end('{}');
      else {
        const versions = { '1.0.0': { name, version: '1.0.0' } };
        res.end(JSON.stringify({ name, versions, 'dist-tags': { latest: '1.0.0' } }));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const root = mkdtempSync(join(tmpdir(), 'tinysse-publish-'));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true, force: true });
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const npmrc = join(root, 'npmrc');
  writeFileSync(
    npmrc,
    `registry=http://${host}/\n//${host}/:_authToken=none\nfetch-retries=0\nupdate-notifier=false\n`,
  );
  const ours = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = { ...Object.fromEntries(ours), npm_config_userconfig: npmrc, npm_config_cache: join(root, 'cache') };
  const stage = (spec: string): Parameters<typeof publish> => {
    const [name, version] = spec.split('@') as [string, string];
    const folder = mkdtempSync(join(root, name));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version }));
    return [{ name, version, folder }, ['--loglevel', 'silent'], env];
  };
  return { stage, published };
}

test('a release that is repeated publishes what the registry does not have, and leaves the rest', async () => {
  const { stage, published } = await registry();
  expect(await publish(...stage('left@1.0.0'))).toBe(false);
  expect(published).toEqual([]);
  expect(await publish(...stage('left@1.0.1'))).toBe(true);
  expect(await publish(...stage('right@1.0.0'))).toBe(true);
  expect(published).toEqual(['left', 'right']);
});

test('nothing is published while the registry cannot say what it has', async () => {
  const { stage, published } = await registry();
  await expect(publish(...stage('broken@1.0.0'))).rejects.toThrow('It is not known whether broken@1.0.0 is published');
  expect(published).toEqual([]);
});

test('a dry run shows a version that is published already', async () => {
  const { stage, published } = await registry();
  const [staged, options, env] = stage('right@1.0.0');
  expect(await publish(staged, [...options, '--dry-run'], env)).toBe(true);
  expect(published).toEqual([]);
});

test('links of a README are made absolute, but those that are, and those within the text', () => {
  const text = '[a](../../docs/a.md#part) [b](https://b.invalid/) [c](#c) ![d](d.svg)';
  expect(absoluteLinks(text, 'packages/x', 'https://r.invalid')).toBe(
    '[a](https://r.invalid/docs/a.md#part) [b](https://b.invalid/) [c](#c) ![d](https://r.invalid/packages/x/d.svg)',
  );
});

test('the versions of both packages and of the change log agree', () => {
  expect(checkVersions()).toMatch(/^\d+\.\d+\.\d+$/);
});

test("the library's README on npm shows the same first lines as the README of the repository", () => {
  const [repository, library] = [examplesOf(read('README.md')), examplesOf(read('packages/tinysse/README.md'))];
  for (const name of ['install', 'quick server', 'quick client'])
    expect(library.get(name)?.code).toBe(repository.get(name)?.code);
});

test.each(['.', 'docs', 'packages/tinysse', 'packages/tinysse-hub'])(
  'every link of the texts in %s leads to a file',
  (folder) => {
    const broken = readdirSync(resolve(root, folder))
      .filter((file) => file.endsWith('.md'))
      .map((file) => join(folder, file))
      .flatMap((file) =>
        [...read(file).matchAll(/\]\((?![a-z]+:|#)([^)\s#]+)/g)]
          .filter(([, link]) => !existsSync(resolve(root, dirname(file), link!)))
          .map(([, link]) => `${file}: ${link}`),
      );
    expect(broken).toEqual([]);
  },
);
