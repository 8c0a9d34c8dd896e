import { type Logger, pino } from 'pino';
import type { ServeConfig } from './config.js';

/** Logs to stderr: for people on a terminal, JSON lines otherwise. */
export async function createLogger(level: ServeConfig['logLevel']): Promise<Logger> {
  if (!process.stderr.isTTY) return pino({ level }, pino.destination({ dest: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: !process.env.NO_COLOR,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
    ignore: 'pid,hostname',
  });
  return pino({ level }, stream);
}
