import type { Command } from 'commander';
import { createSSEClient, type SSEClient, SSEError, type SSEReset } from 'tinysse/client';
import { type TailConfig, tailFlags } from '../config.js';
import { addFlags, find, readFlags } from '../flags.js';
import { patternHint } from '../hints.js';
import { Failure, reasonOf, UsageError } from '../problems.js';
import { shown } from '../shown.js';
import { webUrl } from '../values.js';
import { endWithReader, print, say } from './stdio.js';

/** A person who watches would rather not wait out a long backoff. */
const LONGEST_WAIT_MS = 5_000;

export function tailCommand(program: Command): void {
  const command = program
    .command('tail')
    .summary('print events as they come')
    .description(
      'Prints the data of events as they come, and on stderr what becomes of the connection. It reconnects by itself and ' +
        'goes on after the last event, or says that events may be missing.',
    )
    .argument('<target...>', 'channels of the hub, or the URL of any event stream');
  addFlags(command, tailFlags)
    .addHelpText(
      'after',
      `
Examples:
  tinysse-hub tail demo
  tinysse-hub tail user:1 all --event invoice
  tinysse-hub tail demo --last-event-id earliest
  tinysse-hub tail demo --json | jq .data
  tinysse-hub tail https://example.org/events`,
    )
    .action(async (targets: string[]) => {
      const config = readFlags(command, tailFlags, process.env);
      const endpoint = endpointOf(targets, config.url);
      const { origin } = find(command, 'token', tailFlags.token, process.env);
      // What the environment holds is for the hub, not for any site that is looked at.
      const token = origin === 'flag' || endpoint.origin === config.url.origin ? config.token : undefined;
      await tail(endpoint, { ...config, token });
    });
}

function endpointOf(targets: string[], hub: URL): URL {
  const isUrl = (target: string): boolean => /^https?:\/\//i.test(target);
  const [first = ''] = targets;
  if (targets.length === 1 && isUrl(first)) {
    try {
      return webUrl(first);
    } catch (error) {
      throw new UsageError(`${shown(first)}: ${(error as Error).message}`);
    }
  }
  if (targets.some(isUrl)) throw new UsageError('name channels or one URL, not both');
  const endpoint = new URL('events', hub);
  const hint = patternHint(targets);
  if (hint) say(hint);
  for (const channel of targets) endpoint.searchParams.append('channel', channel);
  return endpoint;
}

async function tail(endpoint: URL, { event, json, lastEventId, token }: TailConfig): Promise<void> {
  endWithReader();
  /** What the server said when it refused. */
  let refusal: string | undefined;
  const client = createSSEClient({
    endpoint,
    maxRetryDelay: LONGEST_WAIT_MS,
    ...(lastEventId !== undefined && { lastEventId }),
    ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
    async fetch(url, init) {
      const response = await fetch(url, init);
      refusal = response.ok ? undefined : await messageOf(response);
      return response;
    },
  });
  sayWhatBecomes(client, endpoint);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => client.close());
  try {
    for await (const message of client) {
      if (event !== undefined && message.event !== event) continue;
      await print(json ? JSON.stringify(message) : message.data);
    }
  } catch (error) {
    if (!(error instanceof SSEError)) throw error;
    const message = refusal === undefined ? error.message : `${error.message}: ${refusal}`;
    throw error.status === 400 ? new UsageError(message) : new Failure(message);
  }
}

/** Tells of every change once, however many attempts it takes. */
function sayWhatBecomes(client: SSEClient, endpoint: URL): void {
  let away = false;
  client.onOpen(() => {
    away = false;
    say(`connected to ${shown(endpoint.href)}`);
  });
  client.onError((error) => {
    if (!error.willRetry || away) return;
    away = true;
    const lost = error.cause === undefined ? error.message : reasonOf(error.cause);
    say(`no connection to ${endpoint.origin} (${lost}); reconnecting`);
  });
  client.onReset((reset) => say(`reset: ${describe(reset)}`));
}

const REASONS: Record<SSEReset['reason'], string> = {
  epoch: 'the hub has a new log',
  evicted: 'the hub no longer keeps what came next',
  unknown: 'the hub does not know that event',
};

const describe = ({ reason, lastEventId, resumedAt }: SSEReset): string =>
  `events after ${lastEventId} may be missing (${REASONS[reason] ?? reason}); going on after ${resumedAt}`;

/** The message of an error in the hub's form, or the first line of any other. */
async function messageOf(response: Response): Promise<string | undefined> {
  const text = await response.clone().text();
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    if (error?.message) return error.message;
  } catch {
    // Not a hub's answer.
  }
  return text.trim().split('\n')[0]?.slice(0, 200) || undefined;
}
