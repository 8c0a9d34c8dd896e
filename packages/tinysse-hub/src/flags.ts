import { type Command, Option } from 'commander';
import { UsageError } from './problems.js';
import type { Parse } from './values.js';

/** One setting of a command: a flag, and a variable of the environment that stands in for it. */
export interface Flag<T> {
  /** As commander writes it: `-c, --channel <name>`. */
  readonly flag: string;
  readonly description: string;
  /** What holds when nothing is given, as a person would write it. */
  readonly fallback?: string;
  /** Several may be given, in the environment separated by commas. */
  readonly many?: true;
  /** @param given - what was written, in order; empty when nothing was */
  read(given: readonly string[]): T;
}

/** A flag that always has a value. */
export const value = <T>(flag: string, description: string, parse: Parse<T>, fallback: string): Flag<T> => ({
  flag,
  description,
  fallback,
  read: (given) => parse(given.at(-1) ?? fallback),
});

/** A flag that may be left out. */
export const optional = <T>(flag: string, description: string, parse: Parse<T>): Flag<T | undefined> => ({
  flag,
  description,
  read: (given) => (given.length > 0 ? parse(given.at(-1)!) : undefined),
});

/** A flag without a value. */
export const toggle = (flag: string, description: string): Flag<boolean> => ({
  flag,
  description,
  read: (given) => {
    const word = given.at(-1) ?? 'false';
    if (/^(true|1|yes|on)$/i.test(word)) return true;
    if (/^(false|0|no|off)$/i.test(word)) return false;
    throw new Error('must be true or false');
  },
});

/** A flag that may be given several times. */
export const list = <T>(flag: string, description: string, parse: Parse<T>): Flag<T[]> => ({
  flag,
  description,
  many: true,
  read: (given) => given.map(parse),
});

type Flags = Record<string, Flag<unknown>>;
/** What a table of flags comes to. */
export type Values<F extends Flags> = { readonly [name in keyof F]: F[name] extends Flag<infer T> ? T : never };

const longName = (flag: string): string => /--[a-z-]+/.exec(flag)![0];

/** The variable of a flag: `TINYSSE_RETAIN_AGE` of `--retain-age <time>`. */
const variableOf = (flag: string): string => `TINYSSE_${longName(flag).slice(2).replaceAll('-', '_').toUpperCase()}`;

/** Makes a command's options, and what its help says of the environment, from a table. */
export function addFlags(command: Command, flags: Flags): Command {
  for (const { flag, description, fallback } of Object.values(flags)) {
    const option = new Option(flag, fallback === undefined ? description : `${description} (default: ${fallback})`);
    if (option.required) option.argParser((given: string, before: string[] = []) => [...before, given]);
    command.addOption(option);
  }
  const variables = Object.values(flags).map(({ flag }) => `  ${variableOf(flag)}`);
  return command.addHelpText('after', `\nThe same in the environment; a flag goes first:\n${variables.join('\n')}`);
}

/**
 * Reads the values of a command that has parsed its arguments. A flag goes before its variable; an empty variable is none.
 * @throws UsageError naming the flag or the variable
 */
export function readFlags<F extends Flags>(command: Command, flags: F, env: NodeJS.ProcessEnv): Values<F> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const given: unknown = command.getOptionValue(name);
    const variable = env[variableOf(flag.flag)];
    if (given !== undefined) {
      values[name] = read(flag, Array.isArray(given) ? given : [String(given)], `${longName(flag.flag)} `);
    } else {
      const texts = !variable ? [] : flag.many ? variable.split(',') : [variable];
      values[name] = read(flag, texts, `${variableOf(flag.flag)}=`);
    }
  }
  return values as Values<F>;
}

function read<T>(flag: Flag<T>, given: readonly string[], origin: string): T {
  try {
    return flag.read(given);
  } catch (error) {
    throw new UsageError(`${origin}${given.at(-1)}: ${(error as Error).message}`);
  }
}
