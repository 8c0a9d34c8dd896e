import type { LogEntry } from '../log/log.js';
import type { ChannelName } from '../protocol/event.js';
import type { Subscriber } from './subscriber.js';

/** A channel that has subscribers. */
export interface Channel {
  readonly name: ChannelName;
  readonly subscribers: Set<Subscriber>;
  /** Its entries that await the flush. */
  pending: LogEntry[];
}

/** Which channels have subscribers. What nobody subscribes to costs nothing here. */
export class Channels {
  readonly #channels = new Map<ChannelName, Channel>();

  get size(): number {
    return this.#channels.size;
  }

  get(name: ChannelName): Channel | undefined {
    return this.#channels.get(name);
  }

  /** Adds a subscriber to all of its channels. */
  join(subscriber: Subscriber): void {
    for (const name of subscriber.channels) {
      let channel = this.#channels.get(name);
      if (!channel) this.#channels.set(name, (channel = { name, subscribers: new Set(), pending: [] }));
      channel.subscribers.add(subscriber);
    }
  }

  /** Removes a subscriber from all of its channels; a channel goes with its last one. */
  leave(subscriber: Subscriber): void {
    for (const name of subscriber.channels) {
      const channel = this.#channels.get(name);
      if (channel?.subscribers.delete(subscriber) && channel.subscribers.size === 0) this.#channels.delete(name);
    }
  }
}
