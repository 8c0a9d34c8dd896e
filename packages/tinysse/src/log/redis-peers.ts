import { systemClock as clock } from '../clock.js';
import { randomEpoch } from '../protocol/cursor.js';
import type { Membership, Peer } from './log.js';
import { Link, type RedisClient } from './redis-link.js';

/** How often a server says what it is, and for how long that holds when it says no more. */
const SAY_MS = 1_000;
const HOLDS_MS = 10_000;
const RETRY_MS = 500;
/** Messages kept for servers that are cut off. */
const KEPT = 1_000;

/**
 * One server among those of a log in Redis. Messages are a stream that each reads on a connection of its own, so one
 * that was cut off hears later. What a server says of itself is a key that expires.
 */
export class RedisMember implements Membership {
  readonly #peer: Peer;
  readonly #main: Link;
  readonly #link: Link;
  readonly #id = randomEpoch();
  readonly #messages: string;
  readonly #members: string;
  readonly #prefix: string;
  #left = false;
  /** Resolves when the others know that it has left. */
  left: Promise<unknown> | undefined;

  /**
   * @param main - for what does not wait
   * @param prefix - what the names of the log's keys begin with
   */
  constructor(peer: Peer, client: RedisClient, main: Link, prefix: string) {
    this.#peer = peer;
    this.#main = main;
    this.#prefix = `${prefix}member:`;
    this.#messages = `${prefix}messages`;
    this.#members = `${prefix}members`;
    this.#link = new Link(client, this.#messages);
    void this.#run();
  }

  async #run(): Promise<void> {
    let after: string | undefined;
    let said = 0;
    while (!this.#left) {
      try {
        after ??= lastId(await this.#link.send(['XREVRANGE', this.#messages, '+', '-', 'COUNT', '1']));
        if (clock.now() - said >= SAY_MS) {
          await this.#link.send(['SADD', this.#members, this.#id]);
          await this.#link.send(['SET', this.#prefix + this.#id, this.#peer.state(), 'PX', String(HOLDS_MS)]);
          said = clock.now();
        }
        const wait = ['XREAD', 'COUNT', '100', 'BLOCK', String(SAY_MS), 'STREAMS', this.#messages, after];
        for (const [id, [, from, , text]] of messagesOf(await this.#link.send(wait))) {
          after = id;
          if (from !== this.#id && !this.#left) this.#peer.told(text!);
        }
      } catch {
        if (this.#left) return;
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
      }
    }
  }

  async tell(text: string): Promise<void> {
    const fields = ['from', this.#id, 'text', text];
    await this.#main.send(['XADD', this.#messages, 'MAXLEN', '~', String(KEPT), '*', ...fields]);
  }

  async ask(): Promise<readonly string[]> {
    const all = (await this.#main.send(['SMEMBERS', this.#members])) as string[];
    const others = all.filter((id) => id !== this.#id);
    if (others.length === 0) return [];
    const states = (await this.#main.send(['MGET', ...others.map((id) => this.#prefix + id)])) as (string | null)[];
    const gone = others.filter((_, i) => states[i] === null);
    if (gone.length > 0) await this.#main.send(['SREM', this.#members, ...gone]);
    return states.filter((state) => state !== null);
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#link.close();
    // Whoever cannot say goodbye at once is missed soon.
    const goodbyes = [
      ['DEL', this.#prefix + this.#id],
      ['SREM', this.#members, this.#id],
    ];
    this.left = Promise.allSettled(goodbyes.map((goodbye) => this.#main.send(goodbye, 0)));
  }
}

type Message = [id: string, fields: string[]];

const lastId = (reply: unknown): string => (reply as Message[])[0]?.[0] ?? '0-0';

/** [[key, messages]] by RESP 2, { key: messages } by RESP 3. */
function messagesOf(reply: unknown): Message[] {
  if (reply === null) return [];
  return (Array.isArray(reply) ? reply[0][1] : Object.values(reply as object)[0]) as Message[];
}
