import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parseDocument, visit, YAMLParseError } from 'yaml';
import { type ServeConfig, serveFlags } from './config.js';
import { type FileSettings, type Flags, longName, readFlags } from './flags.js';
import { nearest } from './nearest.js';
import { reasonOf, UsageError } from './problems.js';

/** The settings of `serve` from flags, environment, configuration file and defaults, in this order. @throws UsageError */
export function readServeConfig(command: Command, env: NodeJS.ProcessEnv): ServeConfig {
  return readFlags(command, serveFlags, env, readServeFile(command, env));
}

/** The configuration file that `--config` or `TINYSSE_CONFIG` names, if any. @throws UsageError */
export function readServeFile(command: Command, env: NodeJS.ProcessEnv): FileSettings | undefined {
  const { config: named, ...settings } = serveFlags;
  const { config: path } = readFlags(command, { config: named }, env);
  return path === undefined ? undefined : readConfigFile(path, settings);
}

/**
 * Reads a configuration file: YAML, of which JSON is a part; one setting a line, named as its flag.
 * @throws UsageError when it cannot be read, or says what no flag knows
 */
function readConfigFile(path: string, flags: Flags): FileSettings {
  const known = new Map(Object.values(flags).map((flag) => [longName(flag.flag).slice(2), flag]));
  const given = new Map<string, string[]>();
  for (const [name, value] of Object.entries(load(path))) {
    const flag = known.get(name);
    if (!flag)
      throw new UsageError(`${path}: unknown setting "${name}"; did you mean "${nearest(name, [...known.keys()])}"?`);
    const values = Array.isArray(value) ? value : [value];
    if (Array.isArray(value) && !flag.many) throw new UsageError(`${path}: ${name}: must be one value, not a list`);
    const odd = values.find((one) => !['string', 'number', 'boolean'].includes(typeof one));
    if (odd !== undefined) throw new UsageError(`${path}: ${name}: must be a text, a number, true or false`);
    given.set(name, values.map(String));
  }
  return { path, given };
}

/** What is wrong with a file, but for what it says: that may be a secret. */
function problemOf(error: unknown): string {
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return reasonOf(error);
  if (!(error instanceof YAMLParseError)) return 'not YAML: it holds an alias (*) without an anchor (&)';
  const [at] = error.linePos ?? [];
  const what = error.code === 'DUPLICATE_KEY' ? 'settings must be unique' : `not YAML (${error.code})`;
  return at === undefined ? what : `${what}, at line ${at.line}, column ${at.col}`;
}

function load(path: string): object {
  let settings: unknown;
  try {
    settings = asWritten(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    throw new UsageError(`${path}: ${problemOf(error)}`);
  }
  if (typeof settings === 'object' && !Array.isArray(settings)) return settings as object;
  throw new UsageError(`${path}: must hold settings, one a line, as in "port: 8080"`);
}

/** Parses YAML, its numbers and booleans as texts: 1.10 is no number where it names an issuer. @throws YAMLParseError */
function asWritten(text: string): unknown {
  const document = parseDocument(text, { logLevel: 'error' });
  const [error] = document.errors;
  if (error) throw error;
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === 'number' || typeof scalar.value === 'boolean') scalar.value = scalar.source;
    },
  });
  return document.toJS();
}
