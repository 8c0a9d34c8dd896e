import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examplesOf, readmeExample, writeExample } from './readme.js';

const markdown = `# Title

\`\`\`ts
const unnamed = 1;
\`\`\`

<!-- example: first -->
\`\`\`ts
const port: number = 8000;

console.log(port);
\`\`\`

Some prose.

<!-- example: on a page -->

\`\`\`html
<p>hello</p>
\`\`\`
`;

test('finds the named code blocks', () => {
  const examples = examplesOf(markdown);
  expect([...examples.keys()]).toEqual(['first', 'on a page']);
  expect(examples.get('first')).toEqual({
    name: 'first',
    language: 'ts',
    code: 'const port: number = 8000;\n\nconsole.log(port);\n',
    line: 8,
  });
  expect(examples.get('on a page')).toEqual({
    name: 'on a page',
    language: 'html',
    code: '<p>hello</p>\n',
    line: 18,
  });
  expect(markdown.split('\n')[18 - 1]).toBe('```html');
});

test('refuses a name that stands before no code block, and a name that stands twice', () => {
  expect(() => examplesOf('<!-- example: lost -->\nProse.\n')).toThrow('No code block follows "example: lost"');
  const block = '<!-- example: a -->\n```js\n1;\n```\n';
  expect(() => examplesOf(block + block)).toThrow('Two examples are named "a"');
  expect(() => examplesOf('<!-- example: open -->\n```js\n1;\n')).toThrow('No code block follows "example: open"');
});

test('tells which examples a file has when one is missing', () => {
  const file = new URL('./readme.ts', import.meta.url);
  expect(() => readmeExample('nowhere', file)).toThrow(/readme.ts has no example "nowhere"; it has: none/);
});

test('writes an example that node runs, imports of the package included, and removes it', () => {
  const [example] = examplesOf(
    '<!-- example: x -->\n```ts\nconst port: number = 8000;\nconsole.log(port, import.meta.resolve("tinysse/package.json"));\n```\n',
  ).values();
  const { file, remove } = writeExample(example!, (code) => code.replace('8000', '8001'));
  try {
    expect(execFileSync(process.execPath, [file], { encoding: 'utf8' })).toMatch(
      /^8001 file:.*\/packages\/tinysse\/package\.json\n$/,
    );
  } finally {
    remove();
  }
  expect(existsSync(file)).toBe(false);
});
