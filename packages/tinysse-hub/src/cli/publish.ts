import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { type PublishConfig, publishFlags } from '../config.js';
import { addFlags, readFlags } from '../flags.js';
import { Failure, UsageError } from '../problems.js';
import { linesOf } from './lines.js';
import { openPublisher } from './publisher.js';
import { endWithReader, print, say } from './stdio.js';

/** How long `--lines` waits for a hub that is away. */
const PATIENCE_MS = 60_000;
/** How much `--lines` reads ahead of the hub's answers. */
const UNANSWERED = { lines: 1_000, bytes: 4 * 2 ** 20 };

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
of its own, so that none is published twice. With --key K these keys are K-1, K-2, … A line that is refused ends it;
lines that came together with it may be published.`,
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
  const { publish } = openPublisher(channels, config, 0);
  await print(await publish(data ?? (await readStdin(config.maxEventSize)), config.key));
}

async function readStdin(most: number): Promise<Uint8Array> {
  sayWhenTyped();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > most + 2) throw new Failure(`stdin is longer than ${most} bytes, the most that an event may have`);
  }
  const all = Buffer.concat(chunks);
  const end = all.at(-1) !== 10 ? all.length : all.at(-2) === 13 ? all.length - 2 : all.length - 1;
  return all.subarray(0, end);
}

async function publishLines(channels: string[], config: PublishConfig): Promise<void> {
  sayWhenTyped();
  const { publish, publisher } = openPublisher(channels, config, PATIENCE_MS);
  const keys = config.key ?? randomUUID();
  let read = 0;
  let unanswered = 0;
  let published = 0;
  let problem: Error | undefined;
  const summary = (): void => {
    if (process.stderr.isTTY) say(`published ${published} ${published === 1 ? 'event' : 'events'}`);
  };
  process.once('SIGINT', () => {
    summary();
    process.exit(130);
  });
  const publishLine = async (line: Buffer, number: number): Promise<void> => {
    try {
      await publish(line, `${keys}-${number}`);
      published++;
    } catch (error) {
      problem ??= ofLine(number, error);
      // Nothing more is read, be it piped or typed.
      process.stdin.destroy();
    }
  };
  try {
    for await (const line of linesOf(process.stdin as AsyncIterable<Buffer>, config.maxEventSize)) {
      if (problem) break;
      const answer = publishLine(line, ++read);
      unanswered += line.length;
      if (read % UNANSWERED.lines !== 0 && unanswered < UNANSWERED.bytes) continue;
      await answer;
      unanswered = 0;
    }
  } catch (error) {
    problem ??= ofLine(read + 1, error);
  }
  await publisher.close();
  if (problem) throw problem;
  summary();
}

function ofLine(number: number, error: unknown): Error {
  if (error instanceof Failure || error instanceof UsageError) error.message = `line ${number}: ${error.message}`;
  return error as Error;
}

function sayWhenTyped(): void {
  if (process.stdin.isTTY) say('reading what you type; Ctrl-D ends it');
}
