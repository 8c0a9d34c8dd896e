import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { checkConfigCommand } from './cli/check-config.js';
import { publishCommand } from './cli/publish.js';
import { serveCommand } from './cli/serve.js';
import { tailCommand } from './cli/tail.js';
import { tokenCommand } from './cli/token.js';
import { Failure, UsageError } from './problems.js';
import { withoutValues } from './shown.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('tinysse-hub')
  .description('A hub for Server-Sent Events: publish over HTTP, subscribe with any EventSource.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')
  // Commander puts its suggestion on a line of its own.
  .configureOutput({ outputError: (text, write) => write(`${withoutValues(text.trim()).replace(/\s*\n\s*/g, ' ')}\n`) })
  .exitOverride()
  .addHelpText(
    'after',
    `
Try it, in three shells:
  tinysse-hub serve
  tinysse-hub tail demo
  tinysse-hub publish demo 'hello'

Every flag may be set in the environment too: --retain-age 1h is TINYSSE_RETAIN_AGE=1h.
Exit codes: 0 done, 1 failed, 2 not understood.
The flags of a command: tinysse-hub help serve`,
  );

for (const add of [serveCommand, checkConfigCommand, publishCommand, tailCommand, tokenCommand]) add(program, version);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Tells a person what went wrong. @returns the exit code */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError || error instanceof Failure) console.error(`error: ${error.message}`);
  else console.error(error);
  return error instanceof UsageError ? 2 : 1;
}
