import type { Clock } from '../clock.js';
import { SSEError } from '../errors.js';
import { type Cursor, randomEpoch } from '../protocol/cursor.js';
import type { ChannelName } from '../protocol/event.js';
import { fingerprint } from './keys.js';
import type { LogChannel, LogEntry, LogEvent, LogPage, LogQuery, LogStats } from './log.js';
import { entryOf, eventText } from './redis-entry.js';
import { type Link, unavailable } from './redis-link.js';
import { scripts } from './redis-scripts.js';

/** What the scripts enforce. */
export interface StoreLimits {
  readonly maxEventsPerChannel: number;
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxChannels: number;
  readonly keyWindowMs: number;
  readonly maxKeys: number;
  readonly maxTailBytes: number;
}

/** Consecutive entries of one epoch, with what stood before them: what one append adds and the tail hands on. */
export interface Batch {
  readonly epoch: string;
  /** The last offset before them. */
  readonly after: number;
  /** The last offset of them. */
  readonly through: number;
  entries(): readonly LogEntry[];
}

/** Of an event: its key is new, and the log has no room for one. */
export const KEYS_FULL = -1;

/** What has become of a batch of events. */
export interface Appended {
  readonly batch: Batch;
  /** Per event its offset; 0 when its key stands for other content; {@link KEYS_FULL}, also when an earlier one of its series. */
  readonly offsets: readonly number[];
}

/** The log's state as a script sees it. */
export interface Look extends Cursor {
  /** The offset at which the epoch asked for ended, if it is a former one. */
  readonly ended: number | undefined;
  readonly stats: LogStats;
}

/** The log in Redis: each method runs one script, which sees and changes everything at once. */
export class Store {
  /** What the names of the log's keys begin with. */
  readonly prefix: string;
  readonly tail: string;
  readonly #meta: string;
  readonly #limits: readonly string[];
  readonly #clock: Clock | undefined;
  readonly #digests: { -readonly [name in keyof typeof scripts]?: Promise<string> } = {};

  /** @param clock - where time comes from; without one, from Redis */
  constructor(prefix: string, limits: StoreLimits, clock: Clock | undefined) {
    // The hash tag: Redis Cluster keeps all of a log in one slot.
    this.prefix = `{${prefix}}:`;
    this.#meta = `${this.prefix}meta`;
    this.tail = `${this.prefix}tail`;
    this.#clock = clock;
    const { maxEventsPerChannel, maxAgeMs, maxBytes, maxChannels, keyWindowMs, maxKeys, maxTailBytes } = limits;
    const all = [maxEventsPerChannel, maxAgeMs, maxBytes, maxChannels, keyWindowMs, maxKeys, maxTailBytes];
    this.#limits = all.map((value) => (value === Number.POSITIVE_INFINITY ? '' : String(value)));
  }

  /** Any key of the log. */
  get key(): string {
    return this.#meta;
  }

  async append(link: Link, events: readonly LogEvent[], until: number): Promise<Appended> {
    const args: string[] = [];
    const series = new Map<object | undefined, string>([[undefined, '']]);
    for (const event of events) {
      if (!series.has(event.series)) series.set(event.series, String(series.size));
      const mark = event.key === undefined ? '' : fingerprint(event);
      args.push(eventText(event), event.key ?? '', mark, series.get(event.series)!);
    }
    const [epoch, prev, seq, at, ...results] = await this.#run(link, 'append', args, until);
    const [after, through, time] = [Number(prev), Number(seq), Number(at)];
    const offsets = results.map(Number);
    const entries = (): LogEntry[] => {
      const added: LogEntry[] = [];
      let last = after;
      for (const [i, { channels, event, data, size }] of events.entries()) {
        const offset = offsets[i]!;
        if (offset > last) added.push({ offset: (last = offset), time, channels, event, data, size });
      }
      return added;
    };
    return { batch: { epoch: epoch!, after, through, entries }, offsets };
  }

  async read(link: Link, { channels, after, upTo, maxEvents, maxBytes }: LogQuery): Promise<LogPage> {
    const args = [String(after), String(upTo), String(maxEvents), String(maxBytes), ...channels];
    const [epoch, floorsText, complete, ...texts] = await this.#run(link, 'read', args);
    const entries = texts.map(entryOf);
    const floors = channels.length === 0 ? [] : floorsText!.split(' ').map(Number);
    const through = complete === '1' ? upTo : entries[entries.length - 1]!.offset;
    return { epoch: epoch!, floor: Math.max(0, ...floors), floors, entries, through };
  }

  async look(link: Link, formerEpoch = ''): Promise<Look> {
    const [epoch, seq, ended, events, bytes, channels] = await this.#run(link, 'look', [formerEpoch]);
    const stats = { events: Number(events), bytes: Number(bytes), channels: Number(channels) };
    return { epoch: epoch!, offset: Number(seq), ended: ended === '' ? undefined : Number(ended), stats };
  }

  async channels(link: Link, names: readonly ChannelName[]): Promise<LogChannel[]> {
    const [base, offsets, floors] = (await Promise.all([
      link.send(['HGET', this.#meta, 'base']),
      link.send(['ZMSCORE', `${this.prefix}channels`, ...names]),
      link.send(['HMGET', `${this.prefix}floors`, ...names]),
    ])) as [string | null, (string | null)[], (string | null)[]];
    return names.map((_, i) => {
      const offset = offsets[i] ?? null;
      return { offset: Number(offset), floor: Number(offset === null ? base : floors[i]) };
    });
  }

  /** Waits for batches after an offset. @returns none when there are none within `ms` */
  async next(link: Link, after: number, ms: number): Promise<readonly Batch[]> {
    const reply = await link.send(['XREAD', 'COUNT', '16', 'BLOCK', String(ms), 'STREAMS', this.tail, `${after}-0`]);
    if (reply === null) return [];
    // [[key, batches]] by RESP 2, { key: batches } by RESP 3.
    const batches = Array.isArray(reply) ? reply[0][1] : Object.values(reply as object)[0];
    return (batches as [string, string[]][]).map(batchOf);
  }

  /** Why nothing may be stored on the server; undefined when it may. */
  async problem(link: Link): Promise<SSEError | undefined> {
    const info = `${await link.send(['INFO', 'server'])}\n${await link.send(['INFO', 'memory'])}`;
    const version = /^redis_version:(\d+)/m.exec(info)?.[1];
    if (Number(version) < 7)
      return unavailable(`Redis ${version} is too old; redisLog needs Redis 7 or newer, or Valkey`, 'rejected');
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === 'noeviction') return undefined;
    const advice = 'set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)';
    return unavailable(`with maxmemory-policy ${policy} Redis may drop events silently; ${advice}`, 'rejected');
  }

  async #run(link: Link, name: keyof typeof scripts, args: readonly string[], until?: number): Promise<string[]> {
    const now = this.#clock ? String(Math.floor(this.#clock.now())) : '';
    const rest = ['1', this.#meta, this.prefix, now, randomEpoch(), ...this.#limits, ...args];
    try {
      return (await link.send(['EVALSHA', await this.#digest(name), ...rest], until)) as string[];
    } catch (error) {
      if (!(error instanceof SSEError && error.cause instanceof Error && error.cause.message.startsWith('NOSCRIPT')))
        throw error;
      return (await link.send(['EVAL', scripts[name], ...rest], until)) as string[];
    }
  }

  /** The name that Redis has for a script. */
  #digest(name: keyof typeof scripts): Promise<string> {
    const hex = (bytes: ArrayBuffer): string =>
      Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.#digests[name] ??= crypto.subtle.digest('SHA-1', new TextEncoder().encode(scripts[name])).then(hex);
    return this.#digests[name];
  }
}

function batchOf([id, fields]: [string, string[]]): Batch {
  // e epoch p offset-before v entry v entry …
  return {
    epoch: fields[1]!,
    after: Number(fields[3]),
    through: Number(id.slice(0, id.indexOf('-'))),
    entries: () => fields.filter((_, i) => i > 4 && i % 2 === 1).map(entryOf),
  };
}
