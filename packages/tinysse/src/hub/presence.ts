import type { Log, LogChannel, Membership, PeerQuery } from '../log/log.js';
import type { ChannelName } from '../protocol/event.js';
import { byCodePoint } from '../protocol/order.js';

/** A channel measured, over all servers that share the log. */
export interface ChannelStats {
  readonly channel: string;
  /** Its streams; those of other servers as they were within the last seconds, and of at most 100,000 channels a server. */
  readonly subscribers: number;
  /** The offset of its newest event; 0 when the log knows of none, undefined when the log does not tell. */
  readonly offset: number | undefined;
  /** The highest offset that retention has evicted from it; undefined when the log does not tell. */
  readonly floor: number | undefined;
}

/** Which channels to measure. */
export interface ChannelsQuery {
  /** Those whose name begins so. Default: all. */
  prefix?: string | undefined;
  /** Those after this one in order of name, by code points: the last of the page before. */
  after?: string | undefined;
  /** At most so many. Default 100. */
  limit?: number | undefined;
}

/** What a hub has to say and to do here. */
interface Here {
  channels(): Iterable<readonly [ChannelName, number]>;
  disconnect(channel: ChannelName): number;
}

/** Channels collected beyond what is wanted before they are sorted. */
const SPARE = 1_000;

/** Who is subscribed to what, and ending it, over all servers that share the log. */
export class Presence {
  readonly #log: Log;
  readonly #here: Here;
  #member: Membership | undefined;

  constructor(log: Log, here: Here) {
    this.#log = log;
    this.#here = here;
  }

  join(): void {
    this.#member ??= this.#log.join?.({
      state: () => this.#here.channels(),
      told: (text) => {
        const { disconnect } = JSON.parse(text) as { disconnect?: ChannelName };
        if (disconnect !== undefined) this.#here.disconnect(disconnect);
      },
    });
  }

  leave(): void {
    this.#member?.leave();
  }

  /** @returns how many streams ended here, when every other server has been told */
  async disconnect(channel: ChannelName): Promise<number> {
    const count = this.#here.disconnect(channel);
    await this.#member?.tell(JSON.stringify({ disconnect: channel }));
    return count;
  }

  async channel(channel: ChannelName): Promise<ChannelStats> {
    // The first name that begins so is the name itself, if it is there.
    const [first] = await this.#counts({ prefix: channel, after: '', limit: 1 });
    const [measured] = await this.#measure([[channel, first?.[0] === channel ? first[1] : 0]]);
    return measured!;
  }

  /** Channels that have subscribers, in order of name. */
  async channels({ prefix = '', after = '', limit = 100 }: ChannelsQuery): Promise<ChannelStats[]> {
    return this.#measure(await this.#counts({ prefix, after, limit }));
  }

  /** A page of channels with their subscribers. It is whole: what is among the first of all is among the first of each. */
  async #counts(query: PeerQuery): Promise<(readonly [ChannelName, number])[]> {
    const counts = new Map(this.#first(query));
    for (const [name, count] of (await this.#member?.ask(query)) ?? []) {
      const channel = name as ChannelName;
      counts.set(channel, (counts.get(channel) ?? 0) + count);
    }
    return inOrder([...counts]).slice(0, query.limit);
  }

  /** The first of the channels here, without sorting them all. */
  #first({ prefix, after, limit }: PeerQuery): (readonly [ChannelName, number])[] {
    let found: (readonly [ChannelName, number])[] = [];
    let last: string | undefined;
    for (const channel of this.#here.channels()) {
      const [name] = channel;
      if (!name.startsWith(prefix) || byCodePoint(name, after) <= 0) continue;
      if (last !== undefined && byCodePoint(name, last) > 0) continue;
      found.push(channel);
      if (found.length < 2 * limit + SPARE) continue;
      found = inOrder(found).slice(0, limit);
      last = found[limit - 1]![0];
    }
    return inOrder(found).slice(0, limit);
  }

  async #measure(found: readonly (readonly [ChannelName, number])[]): Promise<ChannelStats[]> {
    const names = found.map(([channel]) => channel);
    const known: readonly LogChannel[] = names.length === 0 ? [] : ((await this.#log.channels?.(names)) ?? []);
    return found.map(([channel, subscribers], i) => ({
      channel,
      subscribers,
      offset: known[i]?.offset,
      floor: known[i]?.floor,
    }));
  }
}

const inOrder = <T extends readonly [string, number]>(found: T[]): T[] => found.sort(([a], [b]) => byCodePoint(a, b));
