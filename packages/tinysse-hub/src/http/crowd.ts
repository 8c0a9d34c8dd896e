import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Addresses, countedAs } from './address.js';
import type { NoteRefusal } from './broken.js';

/** What one address may have open. */
export interface Crowd {
  /** Takes a stream's place. @returns gives it back; undefined when its address has as many as it may */
  enter(req: IncomingMessage): (() => void) | undefined;
  /**
   * Takes in connections, twice as many as streams: some publish, and one stream too many is to be told so. Those of proxies
   * are not counted, nor can they be told from what they carry.
   */
  admit(note: NoteRefusal): (socket: Socket) => boolean;
}

/** @param most - streams of one address */
export function createCrowd(most: number, addresses: Addresses): Crowd {
  const streams = new Counts(most);
  const connections = new Counts(2 * most);
  return {
    enter: (req) => streams.enter(countedAs(addresses.of(req))),
    admit: (note) => (socket) => {
      const address = socket.remoteAddress ?? '';
      if (addresses.trusts(address)) return true;
      const leave = connections.enter(countedAs(address));
      if (!leave) {
        note(address, { code: 'TOO_MANY_CONNECTIONS', message: 'this address has as many connections as it may' });
        return false;
      }
      socket.once('close', leave);
      return true;
    },
  };
}

/** How much each address has open. */
class Counts {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns to be called once; undefined when there is no place left */
  enter(address: string): (() => void) | undefined {
    const open = this.#open.get(address) ?? 0;
    if (open >= this.#most) return undefined;
    this.#open.set(address, open + 1);
    return () => {
      const open = this.#open.get(address)! - 1;
      if (open > 0) this.#open.set(address, open);
      else this.#open.delete(address);
    };
  }
}
