import type { Logger } from 'pino';
import type { Log, SSEServer } from 'tinysse';
import type { Listener } from '../http/listener.js';

/** After the drain, what is left of requests may still take so long. */
const LAST_REQUESTS_MS = 1_000;
/** How long the log's reader may take for the last lines. */
const LAST_LINES_MS = 1_000;

/** A hub that runs. */
export interface Running {
  readonly listener: Listener;
  readonly sse: SSEServer;
  readonly log: Log;
  readonly logger: Logger;
  /** How long streams that are behind may take to end. */
  readonly drainMs: number;
}

/** What signals do: SIGTERM and SIGINT end the hub, gently the first time; SIGHUP reads the certificate again. */
export function obeySignals({ listener, sse, log, logger, drainMs }: Running): void {
  let draining = false;
  const end = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (draining) process.exit(signal === 'SIGINT' ? 130 : 143);
    draining = true;
    logger.info({ signal }, 'ending; a second signal ends at once');
    const ended = (code: number): void => {
      const exit = (): void => process.exit(code);
      setTimeout(exit, LAST_LINES_MS);
      logger.flush(exit);
    };
    drain({ listener, sse, log, drainMs }).then(
      () => {
        logger.info('ended');
        ended(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'ended, but the log could not be closed');
        ended(1);
      },
    );
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  const secure = listener.url.startsWith('https:');
  // Without a certificate it means that the terminal has gone, or that somebody reloads every service.
  if (!secure && process.stdout.isTTY) return;
  process.on('SIGHUP', () => {
    if (!secure) {
      logger.info('there is no certificate to read again');
      return;
    }
    try {
      listener.reload();
      logger.info('read the certificate again');
    } catch (error) {
      logger.error({ err: error }, 'the new certificate cannot be used; the one before stays');
    }
  });
}

/** New connections are taken until the streams have ended, so that whoever asks hears that the hub is draining. */
async function drain({ listener, sse, log, drainMs }: Omit<Running, 'logger'>): Promise<void> {
  await sse.close({ drainMs });
  const closed = listener.close();
  listener.closeIdle();
  const late = setTimeout(() => listener.closeAll(), LAST_REQUESTS_MS);
  await closed;
  clearTimeout(late);
  await log.close();
}
