import type { Command } from 'commander';
import { stringify } from 'yaml';
import { openAuth } from '../auth/auth.js';
import { checkServe, serveFlags } from '../config.js';
import { readServeConfig, readServeFile } from '../config-file.js';
import { unknownVariables } from '../environment.js';
import { addFlags, type Flag, find, longName } from '../flags.js';
import { roomFor } from '../limits.js';
import { shown } from '../shown.js';
import { say } from './stdio.js';

export function checkConfigCommand(program: Command): void {
  const command = program
    .command('check-config')
    .summary('check the settings of serve, and print them')
    .description(
      'Checks the settings that serve would run with, files that they name included, and prints them as a configuration ' +
        'file, each with its origin. Secrets are not printed.',
    );
  addFlags(command, serveFlags)
    .addHelpText(
      'after',
      `
Examples:
  tinysse-hub check-config --config hub.yaml
  tinysse-hub check-config > hub.yaml      a file to begin with`,
    )
    .action(async () => {
      const config = readServeConfig(command, process.env);
      checkServe(config);
      roomFor(config);
      await openAuth(config, () => {});
      for (const problem of unknownVariables(process.env)) say(problem);
      process.stdout.write(effective(command, process.env));
    });
}

/** The settings as a configuration file; those that nobody has set and that have no default stand there as comments. */
function effective(command: Command, env: NodeJS.ProcessEnv): string {
  const file = readServeFile(command, env);
  const lines = Object.entries<Flag<unknown>>(serveFlags).flatMap(([name, flag]) => {
    if (name === 'config') return [];
    const setting = longName(flag.flag).slice(2);
    const { texts, origin } = find(command, name, flag, env, file);
    if (texts.length === 0) return [`# ${setting}: ${flag.description}`];
    if (flag.secret) return [`# ${setting}: (not shown) # ${origin}`];
    const parts = texts.map(shown);
    if (parts.some((part, i) => part !== texts[i]))
      return [`# ${setting}: ${parts.join(', ')} (not shown in full) # ${origin}`];
    const value = flag.many ? texts : texts[0];
    return [`${stringify({ [setting]: value }, { lineWidth: 0, collectionStyle: 'any' }).trimEnd()} # ${origin}`];
  });
  return `${lines.join('\n')}\n`;
}
