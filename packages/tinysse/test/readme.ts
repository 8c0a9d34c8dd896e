import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { type Example, examplesOf } from '../../../scripts/readme-examples.mjs';

export { examplesOf };

/** The example of that name in docs/guide.md, or in another Markdown file. */
export function readmeExample(
  name: string,
  file: string | URL = new URL('../../../docs/guide.md', import.meta.url),
): Example {
  const examples = examplesOf(readFileSync(file, 'utf8'));
  const example = examples.get(name);
  if (!example)
    throw new Error(`${file} has no example "${name}"; it has: ${[...examples.keys()].join(', ') || 'none'}`);
  return example;
}

/**
 * Writes an example to a file of its own, where imports of `tinysse` resolve, as a person who copied it would have it.
 * TypeScript is stripped of its types, so that `node FILE` runs it.
 *
 * @param edit - changes what a test cannot leave as it is, such as a port
 * @returns the file's path, and a function that removes it
 */
export function writeExample(
  example: Example,
  edit: (code: string) => string = (code) => code,
): { file: string; remove: () => void } {
  const parent = fileURLToPath(new URL('.tmp/', import.meta.url));
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'example-'));
  const code = edit(example.code);
  const script = /^[jt]sx?$/.test(example.language);
  const file = join(folder, `example.${script ? 'mjs' : example.language}`);
  writeFileSync(file, script ? transformSync(code, { loader: example.language as 'ts', format: 'esm' }).code : code);
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
