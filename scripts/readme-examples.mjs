/**
 * A code block of a Markdown file that has a name: an HTML comment `<!-- example: NAME -->` stands before its fence.
 *
 * @typedef {object} Example
 * @property {string} name
 * @property {string} language - what follows the opening fence: `ts`, `js`, `html`, `sh`, …
 * @property {string} code
 * @property {number} line - the line of the opening fence, counting from 1
 */

const NAMED_BLOCK = /^<!-- example: (.+?) -->\n+(?:```(\w+)[^\n]*\n(.*?)^```$)?/gms;

/**
 * The named examples of a Markdown text. Throws where a name stands twice or before no code block.
 *
 * @param {string} text
 * @returns {Map<string, Example>}
 */
export function examplesOf(text) {
  const markdown = text.replaceAll('\r\n', '\n');
  const examples = new Map();
  for (const match of markdown.matchAll(NAMED_BLOCK)) {
    const [whole, name, language, code] = match;
    if (language === undefined || code === undefined) throw new Error(`No code block follows "example: ${name}"`);
    if (examples.has(name)) throw new Error(`Two examples are named "${name}"`);
    const before = markdown.slice(0, match.index) + whole.slice(0, whole.indexOf('```'));
    examples.set(name, { name, language, code, line: before.split('\n').length });
  }
  return examples;
}
