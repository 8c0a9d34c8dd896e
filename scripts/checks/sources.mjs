import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { Problem, repositoryFiles } from './run.mjs';

const LONGEST = 400;
const CODE = /(^|\/)(src|test|scripts|bench|examples|faults|runtimes|rehearsal)\/.*\.(ts|tsx|mjs)$/;
const SHIPPED_CODE = /^packages\/[^/]+\/src\/.*\.(ts|tsx|mjs|js)$/;
// What a client must make of bytes cannot be said through the encoder.
const SUITES = /\/src\/testing\//;
const ENCODER = 'packages/tinysse/src/protocol/encode.ts';
// At the start of a line of the text: `bad data: …` in a message for people is none of our concern.
const DATA_FIELD = /(^|[\r\n])data:( |$)/;

/** A file that nobody can read in one go hides its faults. */
export async function shortFiles() {
  const problems = [];
  for (const { file, text } of await sources(CODE)) {
    const lines = text.split('\n').length - 1;
    if (lines > LONGEST) problems.push(`${file}: ${lines} lines, at most ${LONGEST}`);
  }
  report(problems);
}

/**
 * Framing written by hand is where servers get multi-line data wrong. Only string literals and templates count: types,
 * properties and comments may say `data: `.
 */
export async function oneWriter() {
  const problems = [];
  let found = false;
  for (const { file, text } of await sources(SHIPPED_CODE)) {
    for (const { line, value } of literals(file, text)) {
      if (SUITES.test(file) || !DATA_FIELD.test(value)) continue;
      if (file === ENCODER) found = true;
      else problems.push(`${file}:${line}: writes \`data: \` itself; use protocol/encode.ts`);
    }
  }
  if (!found) problems.push(`${ENCODER} does not write \`data: \`: this check looks at the wrong file`);
  report(problems);
}

/** The lock files work with any registry that a person has configured. */
export async function lockNamesNoHost() {
  const problems = [];
  for (const file of ['package-lock.json', 'runtimes/package-lock.json', 'rehearsal/package-lock.json'])
    for (const [name, { resolved = '' }] of Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages))
      if (resolved.includes('://')) problems.push(`${file}: ${name} is resolved to ${resolved}`);
  report(problems);
}

/** @param {RegExp} pattern */
async function sources(pattern) {
  const files = (await repositoryFiles()).filter((file) => pattern.test(file) && existsSync(file));
  return files.map((file) => ({ file, text: readFileSync(file, 'utf8') }));
}

/**
 * @param {string} file
 * @param {string} text
 */
function literals(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  /** @type {{ line: number, value: string }[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      found.push({ line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1, value: node.text });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** @param {string[]} problems */
function report(problems) {
  if (problems.length > 0) throw new Problem(problems.join('\n'));
}
