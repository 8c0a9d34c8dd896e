import { type Logger, pino } from 'pino';
import type { ServeConfig } from './config.js';

/** What one burst may hold back while nobody reads the log; what is more is dropped. */
const MOST_BYTES = 2 ** 20;

/** Logs to stderr: text for people, or JSON lines, which never wait for their reader. */
export async function createLogger({
  logLevel: level,
  logFormat: format,
}: Pick<ServeConfig, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const json = format === 'json' || (format === 'auto' && !process.stderr.isTTY);
  if (json) return pino({ level }, pino.destination({ dest: 2, sync: false, minLength: 1, maxLength: MOST_BYTES }));
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY && !process.env.NO_COLOR,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    ignore: 'pid,hostname',
  });
  return pino({ level }, stream);
}
