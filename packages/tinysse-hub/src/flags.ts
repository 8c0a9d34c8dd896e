import { type Command, Option } from 'commander';
import { UsageError } from './problems.js';
import { shownRefused } from './shown.js';
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
  /** Never printed. */
  readonly secret?: true;
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

/** A flag that may be left out, and whose value is never printed. */
export const secret = (
  flag: string,
  description: string,
  parse: Parse<string> = (given) => given,
): Flag<string | undefined> => ({
  ...optional(flag, description, parse),
  secret: true,
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

export type Flags = Record<string, Flag<unknown>>;
/** What a table of flags comes to. */
export type Values<F extends Flags> = { readonly [name in keyof F]: F[name] extends Flag<infer T> ? T : never };

/** `--retain-age` of `--retain-age <time>`. */
export const longName = (flag: string): string => /--[a-z-]+/.exec(flag)![0];

/** The variable of a flag: `TINYSSE_RETAIN_AGE` of `--retain-age <time>`. */
export const variableOf = (flag: string): string =>
  `TINYSSE_${longName(flag).slice(2).replaceAll('-', '_').toUpperCase()}`;

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

/** What a configuration file says, by long name without dashes: `retain-age`. */
export interface FileSettings {
  readonly path: string;
  readonly given: ReadonlyMap<string, readonly string[]>;
}

/** Where a setting comes from: the first of these that says something. */
export type Origin = 'flag' | 'environment' | 'file' | 'default';

/** A setting as it was written; nothing when nobody has written it. */
export interface Given {
  readonly texts: readonly string[];
  readonly origin: Origin;
  /** What a message about it begins with. */
  readonly label: string;
}

/** Whether a variable was set by Kubernetes or Docker, whose TINYSSE_PORT for a service "tinysse" is tcp://10.3.2.1:80. */
export const isServiceLink = (name: string, value: string): boolean =>
  name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value);

/** Finds a setting: the flag, else its variable (an empty one is none, nor is a service's), else the file, else the default. */
export function find(
  command: Command,
  name: string,
  { flag, many, fallback }: Flag<unknown>,
  env: NodeJS.ProcessEnv,
  file?: FileSettings,
): Given {
  const long = longName(flag);
  const given: unknown = command.getOptionValue(name);
  if (given !== undefined)
    return { texts: Array.isArray(given) ? given : [String(given)], origin: 'flag', label: `${long} ` };
  const variable = variableOf(flag);
  const text = env[variable];
  if (text && !isServiceLink(variable, text))
    return { texts: many ? text.split(',') : [text], origin: 'environment', label: `${variable}=` };
  const texts = file?.given.get(long.slice(2));
  if (texts) return { texts, origin: 'file', label: `${file?.path}: ${long.slice(2)}: ` };
  return { texts: fallback === undefined ? [] : [fallback], origin: 'default', label: `${long} ` };
}

/**
 * Reads the values of a command that has parsed its arguments.
 * @throws UsageError naming the flag, the variable, or the file and its setting
 */
export function readFlags<F extends Flags>(
  command: Command,
  flags: F,
  env: NodeJS.ProcessEnv,
  file?: FileSettings,
): Values<F> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const { texts, label } = find(command, name, flag, env, file);
    try {
      values[name] = flag.read(texts);
    } catch (error) {
      const text = flag.secret ? '…' : shownRefused(texts.at(-1) ?? '');
      throw new UsageError(`${label}${text}: ${(error as Error).message}`);
    }
  }
  return values as Values<F>;
}
