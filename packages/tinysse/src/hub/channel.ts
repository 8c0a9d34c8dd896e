import type { LogEntry } from '../log/log.js';
import type { ChannelName } from '../protocol/event.js';

/** A channel that has subscribers. */
export interface Channel<S> {
  readonly name: ChannelName;
  readonly subscribers: Set<S>;
  /** Its entries that await the flush. */
  pending: LogEntry[];
}

/** Which channels have subscribers. What nobody subscribes to costs nothing here. */
export class Channels<S extends { readonly channels: readonly ChannelName[] }> {
  readonly #channels = new Map<ChannelName, Channel<S>>();

  get size(): number {
    return this.#channels.size;
  }

  get(name: ChannelName): Channel<S> | undefined {
    return this.#channels.get(name);
  }

  /** Each with the number of its subscribers. */
  *counts(): Generator<readonly [ChannelName, number]> {
    for (const { name, subscribers } of this.#channels.values()) yield [name, subscribers.size];
  }

  /** Adds a subscriber to all of its channels. */
  join(subscriber: S): void {
    for (const name of subscriber.channels) {
      let channel = this.#channels.get(name);
      if (!channel) this.#channels.set(name, (channel = { name, subscribers: new Set(), pending: [] }));
      channel.subscribers.add(subscriber);
    }
  }

  /** Removes a subscriber from all of its channels; a channel goes with its last one. */
  leave(subscriber: S): void {
    for (const name of subscriber.channels) {
      const channel = this.#channels.get(name);
      if (channel?.subscribers.delete(subscriber) && channel.subscribers.size === 0) this.#channels.delete(name);
    }
  }
}
