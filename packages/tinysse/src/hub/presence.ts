import type { Log, LogChannel, Membership } from '../log/log.js';
import type { ChannelName } from '../protocol/event.js';

/** A channel measured, over all servers that share the log. */
export interface ChannelStats {
  readonly channel: string;
  /** Its streams; those of other servers as they were within the last seconds. */
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
  /** Those after this one in order of name: the last of the page before. */
  after?: string | undefined;
  /** At most so many. Default 100. */
  limit?: number | undefined;
}

/** What a hub has to say and to do here. */
interface Here {
  channels(): Iterable<readonly [ChannelName, number]>;
  disconnect(channel: ChannelName): number;
}

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
      state: () => JSON.stringify([...this.#here.channels()]),
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
    const subscribers = (await this.#count()).get(channel) ?? 0;
    const [measured] = await this.#measure([[channel, subscribers]]);
    return measured!;
  }

  /** Channels that have subscribers, in order of name. */
  async channels({ prefix = '', after = '', limit = 100 }: ChannelsQuery): Promise<ChannelStats[]> {
    const found = [...(await this.#count())].filter(([name]) => name > after && name.startsWith(prefix));
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    return this.#measure(found.slice(0, limit));
  }

  async #count(): Promise<Map<ChannelName, number>> {
    const counts = new Map(this.#here.channels());
    for (const state of (await this.#member?.ask()) ?? [])
      for (const [channel, count] of JSON.parse(state) as [ChannelName, number][])
        counts.set(channel, (counts.get(channel) ?? 0) + count);
    return counts;
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
