import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { type PublishConfig, publishFlags } from '../config.js';
import { addFlags, readFlags } from '../flags.js';
import { Failure, UsageError } from '../problems.js';
import { HubAway, type Publication, publishTo } from './hub-client.js';
import { linesOf } from './lines.js';
import { endWithReader, print, say } from './stdio.js';

const MOST_BYTES = 2 ** 20;
/** How long `--lines` waits for a hub that is away. */
const PATIENCE_MS = 60_000;
const RETRY_MS = { first: 100, most: 1_000 };

export function publishCommand(program: Command): void {
  const command = program
    .command('publish')
    .summary('publish an event, or every line of stdin')
    .description(
      'Publishes an event and prints its id. Without DATA the event is what comes on stdin, less its last line end.',
    )
    .argument('<channel>', 'where to publish')
    .argument('[data]', "the event's data");
  addFlags(command, publishFlags)
    .addHelpText(
      'after',
      `
Examples:
  tinysse-hub publish demo 'hello'
  tinysse-hub publish user:1 -c user:2 --event invoice '{"total":12}'
  date | tinysse-hub publish demo
  vmstat 1 | tinysse-hub publish system --lines
  tinysse-hub publish demo -- '-1'          data that begins with a dash

With --lines, events keep the order of the lines. While the hub is away the lines wait, up to a minute; each has a key
of its own, so that none is published twice. With --key K these keys are K-1, K-2, …`,
    )
    .action(async (channel: string, data: string | undefined) => {
      const config = readFlags(command, publishFlags, process.env);
      const channels = [channel, ...config.channel];
      if (!config.lines) await publishOne(channels, data, config);
      else if (data === undefined) await publishLines(channels, config);
      else throw new UsageError('--lines reads the events from stdin; leave DATA out');
    });
}

async function publishOne(channels: string[], data: string | undefined, config: PublishConfig): Promise<void> {
  endWithReader();
  const { event, key, url } = config;
  const id = await publishTo(url, { channels, event, key, data: data ?? (await readStdin()) });
  await print(id);
}

async function readStdin(): Promise<Uint8Array> {
  sayWhenTyped();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES + 2)
      throw new Failure(`stdin is longer than ${MOST_BYTES} bytes, the most that an event may have`);
  }
  const all = Buffer.concat(chunks);
  const end = all.at(-1) !== 10 ? all.length : all.at(-2) === 13 ? all.length - 2 : all.length - 1;
  return all.subarray(0, end);
}

async function publishLines(channels: string[], { event, key, url }: PublishConfig): Promise<void> {
  sayWhenTyped();
  const keys = key ?? randomUUID();
  let published = 0;
  const summary = (): void => {
    if (process.stderr.isTTY) say(`published ${published} ${published === 1 ? 'event' : 'events'}`);
  };
  process.once('SIGINT', () => {
    summary();
    process.exit(130);
  });
  try {
    for await (const line of linesOf(process.stdin as AsyncIterable<Buffer>, MOST_BYTES)) {
      await publishPatiently(url, { channels, event, key: `${keys}-${published + 1}`, data: line });
      published++;
    }
  } catch (error) {
    if (error instanceof Failure || error instanceof UsageError)
      error.message = `line ${published + 1}: ${error.message}`;
    throw error;
  }
  summary();
}

/** Publishes as soon as the hub is there. The key keeps a try whose answer was lost from becoming a second event. */
async function publishPatiently(hub: URL, publication: Publication): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (let tries = 0; ; tries++) {
    try {
      await publishTo(hub, publication);
      if (tries > 0) say('the hub is back; going on');
      return;
    } catch (error) {
      if (!(error instanceof HubAway)) throw error;
      if (Date.now() >= until) throw new Failure(`${error.message}; gave up after ${PATIENCE_MS / 1000} s`);
      if (tries === 0) say(`${error.message}; trying for ${PATIENCE_MS / 1000} s`);
    }
    await wait(Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** tries));
  }
}

function sayWhenTyped(): void {
  if (process.stdin.isTTY) say('reading what you type; Ctrl-D ends it');
}
