import { type Logger, pino } from 'pino';
import type { ServeConfig } from './config.js';

/** What one burst may hold back while nobody reads the log; what is more is dropped. */
const MOST_BYTES = 2 ** 20;

/** Logs to stderr: text for people, or JSON lines. Neither waits for its reader. */
export async function createLogger({
  logLevel: level,
  logFormat: format,
}: Pick<ServeConfig, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const json = format === 'json' || (format === 'auto' && !process.stderr.isTTY);
  const out = pino.destination({ dest: 2, sync: false, minLength: 1, maxLength: MOST_BYTES });
  if (json) return pino({ level }, out);
  const { prettyFactory } = await import('pino-pretty');
  const textOf = prettyFactory({
    colorize: process.stderr.isTTY && !process.env.NO_COLOR,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    ignore: 'pid,hostname',
  });
  const stream = {
    write: (line: string): void => void out.write(textOf(line)),
    flush: (done: (error?: Error) => void): void => out.flush(done),
  };
  return pino({ level }, stream);
}
