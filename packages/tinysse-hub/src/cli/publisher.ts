import { httpStatus } from 'tinysse';
import { createHubPublisher, type HubPublisher, type SSEError } from 'tinysse/publisher';
import type { PublishConfig } from '../config.js';
import { Failure, reasonOf, UsageError } from '../problems.js';
import { say } from './stdio.js';

/** Publishes an event. @throws UsageError when the hub says that it makes no sense, Failure for every other refusal */
export type Publish = (data: string | Uint8Array, key?: string) => Promise<string>;

/**
 * A publisher of one command's events.
 * @param patienceMs - how long it waits for a hub that is away
 */
export function openPublisher(
  channels: string[],
  { event, url, token }: PublishConfig,
  patienceMs: number,
): { publish: Publish; publisher: HubPublisher } {
  let away = false;
  const publisher = createHubPublisher({
    url,
    token,
    retryForMs: patienceMs,
    // Whoever publishes is told.
    logger: () => {},
    onRetry(error) {
      // Smaller requests follow at once.
      if (error.status === 413) return;
      if (!away) say(`${messageOf(error)}; trying for ${patienceMs / 1000} s`);
      away = true;
    },
  });
  const publish: Publish = async (data, key) => {
    try {
      const id = await publisher.send({ channels, event, key, data });
      if (away) say('the hub is back; going on');
      away = false;
      return id;
    } catch (error) {
      const waited = away ? `; gave up after ${patienceMs / 1000} s` : '';
      throw problem(error as SSEError, waited);
    }
  };
  return { publish, publisher };
}

function problem(error: SSEError, waited: string): Error {
  const message = messageOf(error) + (error.willRetry === false ? waited : '');
  return (error.status ?? httpStatus(error)) === 400 ? new UsageError(message) : new Failure(message);
}

function messageOf({ code, message, cause }: SSEError): string {
  return code === 'NETWORK' && cause !== undefined ? `${message}: ${reasonOf(cause)}` : message;
}
