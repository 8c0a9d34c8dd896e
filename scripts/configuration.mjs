// Writes docs/configuration.md from the flag tables of the program: `npm run docs`, after a build.
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const HEAD = `# Configuration

<!-- Made from the flag tables by \`npm run docs\`. Do not edit. -->

A setting comes from, in this order: its flag, its variable in the environment (an empty one is none), the configuration file, its
default. \`tinysse-hub check-config\` takes the flags of \`serve\`, checks everything, files that the settings name included, and prints
the settings with their origin, as a file to begin with.

A configuration file is YAML or JSON, named by \`--config\` or \`TINYSSE_CONFIG\`. Its settings have the names of the flags:

\`\`\`yaml
port: 8080
retain-age: 7d
\`\`\`

An unknown setting is an error; the message names the most similar setting. Lists stand for flags that may be repeated; in a variable,
commas separate. Times take \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`; sizes \`B\`, \`KiB\`, \`MiB\`, \`GiB\`, \`kB\`, \`MB\`, \`GB\`. Relative paths start
at the working directory.

Limits that have no flag: a request line and headers of 64 KiB, or more where a stream may have more channels, 113 KiB by
default (over HTTP/2 each header has at most 64 KiB); a token of 8 KiB; a body of events, one a line, of 8 MiB and 10,000
lines; 1,000 streams in one HTTP/2 connection; an idle connection is kept for 65 s. Whatever a limit refuses is answered with its
code, counted in \`/metrics\` and logged; an EventSource, which an error would end for good, is told to come back instead.
`;

/**
 * @param {Record<string, Record<string, { flag: string, description: string, fallback?: string, many?: true }>>} commands
 * @returns {string} the whole document
 */
export function configurationDoc(commands) {
  const sections = Object.entries(commands).map(([name, flags]) => {
    const rows = Object.values(flags).map(({ flag, description, fallback, many }) => [
      `\`${flag}\``,
      `\`TINYSSE_${/--([a-z-]+)/.exec(flag)[1].replaceAll('-', '_').toUpperCase()}\``,
      fallback === undefined ? '' : `\`${fallback}\``,
      many && !description.includes('repeat') ? `${description}; may be repeated` : description,
    ]);
    return `\n## ${name}\n\n${table([['flag', 'variable', 'default', 'what it sets'], ...rows])}`;
  });
  return HEAD + sections.join('');
}

/** Rows, the first of them the head, as `npm run format` would leave them. */
function table(rows) {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`;
  const [head, ...body] = cells;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const config = await import('../packages/tinysse-hub/dist/config.js');
  writeFileSync(
    fileURLToPath(new URL('../docs/configuration.md', import.meta.url)),
    configurationDoc(config.commandFlags),
  );
}
