import type { Clock } from '../clock.js';
import type { Log, LogEvent, LogPage } from '../log/log.js';
import { encodedLength } from '../protocol/encode.js';
import { channelName, eventName } from '../protocol/event.js';
import { createFakeClock, type FakeClock } from './fake-clock.js';

/** Options that every store under test understands, as memoryLog does. */
export interface LogTestOptions {
  maxEventsPerChannel?: number;
  maxAgeMs?: number;
  maxBytes?: number;
  maxChannels?: number;
  keyWindowMs?: number;
  maxKeys?: number;
  clock: Clock;
}

/** How far a case's clock is off when it is wrong. */
export const YEAR_MS = 365 * 24 * 3_600_000;

/** Opens an empty log; the suite closes it. */
export type OpenLog = (options: LogTestOptions) => Log | Promise<Log>;

/** One sentence of the log's contract. */
export interface LogCase {
  readonly name: string;
  /** Resolves when the log keeps it, rejects when it does not. */
  run(open: OpenLog): Promise<void>;
}

/** A log under test, with what the cases say again and again. */
export class LogBench {
  readonly log: Log;
  readonly clock: FakeClock;

  constructor(log: Log, clock: FakeClock) {
    this.log = log;
    this.clock = clock;
  }

  /** Appends an event. @returns its offset */
  async add(channels: string, data = '', extra: { key?: string; event?: string } = {}): Promise<number> {
    return (await this.log.append(eventOf(channels, data, extra))).offset;
  }

  read(
    channels: string,
    after = 0,
    upTo = Number.MAX_SAFE_INTEGER,
    limits: Partial<{ maxEvents: number; maxBytes: number }> = {},
  ): Promise<LogPage> {
    const query = {
      channels: channels.split(' ').map(channelName),
      after,
      upTo,
      maxEvents: 1_000_000,
      maxBytes: 2 ** 40,
      ...limits,
    };
    return Promise.resolve(this.log.read(query));
  }

  /** The offsets that survive in channels. */
  async offsets(channels: string, after = 0): Promise<number[]> {
    return (await this.read(channels, after)).entries.map((entry) => entry.offset);
  }
}

/** An event for channels separated by spaces. */
export function eventOf(
  channels: string,
  data: string,
  { key, event }: { key?: string; event?: string } = {},
): LogEvent {
  const name = eventName(event);
  return { channels: channels.split(' ').map(channelName), event: name, data, size: encodedLength(name, data), key };
}

/** A case that gets a bench of a fresh log. */
export function logCase(
  name: string,
  options: Omit<LogTestOptions, 'clock'>,
  test: (bench: LogBench) => Promise<void>,
): LogCase {
  return {
    name,
    async run(open) {
      const clock = createFakeClock();
      const log = await open({ ...options, clock });
      try {
        await test(new LogBench(log, clock));
      } finally {
        await log.close();
      }
    },
  };
}
