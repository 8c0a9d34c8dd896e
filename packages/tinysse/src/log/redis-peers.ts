import { systemClock as clock } from '../clock.js';
import { randomEpoch } from '../protocol/cursor.js';
import { byCodePoint } from '../protocol/order.js';
import type { Membership, Peer, PeerCount, PeerQuery } from './log.js';
import { elapsed, Link, type RedisClient } from './redis-link.js';
import { Told } from './redis-told.js';

/** How often a server says what has changed, and for how long all holds when it says no more. */
const SAY_MS = 1_000;
const HOLDS_MS = 10_000;
/** How soon it goes on when it had more to say than one command carries. */
const MORE_MS = 100;
const RETRY_MS = 500;
/** Messages kept for servers that are cut off. */
const KEPT = 1_000;

/**
 * Says what has changed. Keys: the server's, the servers'. Arguments: the server, milliseconds for which it holds, 1 to
 * begin anew, how many texts are taken back; these; then what is new. Answers how many texts there are.
 */
const say = `
local key = KEYS[1]
if ARGV[3] == '1' then redis.call('UNLINK', key) end
redis.call('SADD', KEYS[2], ARGV[1])
-- A server that has nothing to say is there all the same.
redis.call('ZADD', key, 0, '')
local gone = 4 + tonumber(ARGV[4])
for i = 5, gone do redis.call('ZREM', key, ARGV[i]) end
for i = gone + 1, #ARGV do redis.call('ZADD', key, 0, ARGV[i]) end
redis.call('PEXPIRE', key, ARGV[2])
return redis.call('ZCARD', key) - 1
`;

/**
 * One server among those of a log in Redis. Messages are a stream that each reads on a connection of its own, so one
 * that was cut off hears later. What a server says of itself is a sorted set that expires, of a text `name TAB count` for
 * each name: so others can read it page by page, and a second in which nothing changes costs the same however much it holds.
 */
export class RedisMember implements Membership {
  readonly #peer: Peer;
  readonly #main: Link;
  readonly #link: Link;
  readonly #id = randomEpoch();
  readonly #messages: string;
  readonly #peers: string;
  readonly #prefix: string;
  readonly #told = new Told();
  /** The connection over which it was told. */
  #toldBy = 0;
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
    this.#prefix = `${prefix}peer:`;
    this.#messages = `${prefix}messages`;
    this.#peers = `${prefix}peers`;
    this.#link = new Link(client, this.#messages);
    void this.#run();
  }

  async #run(): Promise<void> {
    let after: string | undefined;
    let next = elapsed();
    while (!this.#left) {
      try {
        after ??= lastId(await this.#link.send(['XREVRANGE', this.#messages, '+', '-', 'COUNT', '1']));
        if (elapsed() >= next) next = elapsed() + ((await this.#say()) ? MORE_MS : SAY_MS);
        const ms = Math.max(1, Math.ceil(next - elapsed()));
        const wait = ['XREAD', 'COUNT', '100', 'BLOCK', String(ms), 'STREAMS', this.#messages, after];
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

  /** @returns whether there is more to say */
  async #say(): Promise<boolean> {
    // Another connection may lead to another server.
    if (this.#toldBy !== this.#link.made) this.#told.forget();
    this.#toldBy = this.#link.made;
    const { anew, gone, added, more, done } = this.#told.changes(() => this.#peer.state());
    const settings = [this.#id, String(HOLDS_MS), anew ? '1' : '0', String(gone.length)];
    try {
      const keys = ['2', this.#prefix + this.#id, this.#peers];
      done(Number(await this.#link.send(['EVAL', say, ...keys, ...settings, ...gone, ...added])));
    } catch (error) {
      // Nobody knows what has been done.
      this.#told.forget();
      throw error;
    }
    return more;
  }

  async tell(text: string): Promise<void> {
    const fields = ['from', this.#id, 'text', text];
    await this.#main.send(['XADD', this.#messages, 'MAXLEN', '~', String(KEPT), '*', ...fields]);
  }

  async ask({ prefix, after, limit }: PeerQuery): Promise<readonly PeerCount[]> {
    const all = (await this.#main.send(['SMEMBERS', this.#peers])) as string[];
    // What follows a name, a tab, comes before every character that a longer name goes on with, and before a line feed.
    const from = byCodePoint(after, prefix) >= 0 && after !== '' ? `(${after}\n` : `[${prefix || '\t'}`;
    const pages = await Promise.all(
      all.map(async (id) => {
        if (id === this.#id) return [];
        const key = this.#prefix + id;
        const page = (await this.#main.send(['ZRANGEBYLEX', key, from, '+', 'LIMIT', '0', String(limit)])) as string[];
        if (page.length === 0 && (await this.#main.send(['EXISTS', key])) === 0)
          await this.#main.send(['SREM', this.#peers, id]);
        return page;
      }),
    );
    return pages.flat().flatMap((text) => (text.startsWith(prefix) ? [countOf(text)] : []));
  }

  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#link.close();
    // Whoever cannot say goodbye at once is missed soon.
    const goodbyes = [
      ['DEL', this.#prefix + this.#id],
      ['SREM', this.#peers, this.#id],
    ];
    this.left = Promise.allSettled(goodbyes.map((goodbye) => this.#main.send(goodbye, 0)));
  }
}

function countOf(text: string): PeerCount {
  const tab = text.lastIndexOf('\t');
  return [text.slice(0, tab), Number(text.slice(tab + 1))];
}

type Message = [id: string, fields: string[]];

const lastId = (reply: unknown): string => (reply as Message[])[0]?.[0] ?? '0-0';

/** [[key, messages]] by RESP 2, { key: messages } by RESP 3. */
function messagesOf(reply: unknown): Message[] {
  if (reply === null) return [];
  return (Array.isArray(reply) ? reply[0][1] : Object.values(reply as object)[0]) as Message[];
}
