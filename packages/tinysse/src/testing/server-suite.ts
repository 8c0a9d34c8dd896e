import { createDecoder } from '../protocol/decode.js';
import type { SSEMessage } from '../protocol/event.js';
import type { SSEServerOptions } from '../server/options.js';
import type { SSEServer } from '../server/server.js';
import { equal, ok } from './assert.js';

/** Creates the server under test; the suite closes it. */
export type CreateServer = (options: SSEServerOptions) => SSEServer;

/** One sentence about what a server does, seen through `sse.fetch`: it needs no socket. */
export interface ServerCase {
  readonly name: string;
  /** Resolves when the server does it, rejects when it does not. */
  run(create: CreateServer): Promise<void>;
}

/** A stream of a server, read message by message. */
class Stream {
  readonly status: number;
  readonly headers: Headers;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #messages: SSEMessage[] = [];
  readonly #decoder = createDecoder({ onEvent: (message) => this.#messages.push(message) });

  constructor(response: Response) {
    this.status = response.status;
    this.headers = response.headers;
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  /** The next message; undefined when the stream has ended. */
  async next(): Promise<SSEMessage | undefined> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) return message;
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#decoder.feed(value);
    }
  }

  /** The data of the next `count` messages. */
  async data(count: number): Promise<(string | undefined)[]> {
    const all: (string | undefined)[] = [];
    while (all.length < count) all.push((await this.next())?.data);
    return all;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

interface Bench {
  sse: SSEServer;
  /** Connects, and takes the first message: where the stream stands. */
  open(headers?: Record<string, string>): Promise<{ stream: Stream; at: SSEMessage }>;
}

function serverCase(name: string, test: (bench: Bench) => Promise<void>, options: SSEServerOptions = {}): ServerCase {
  return {
    name,
    async run(create) {
      const sse = create({ channelProvider: { resolveChannels: () => ['all'] }, logger: () => {}, ...options });
      const streams: Stream[] = [];
      const open: Bench['open'] = async (headers = {}) => {
        const request = new Request('http://localhost/events', { headers });
        const stream = new Stream(await sse.fetch(request));
        streams.push(stream);
        const at = (await stream.next())!;
        equal([stream.status, at.event], [200, 'tinysse:position'], 'the first event');
        return { stream, at };
      };
      try {
        await test({ sse, open });
      } finally {
        await Promise.all(streams.map((stream) => stream.leave()));
        await sse.close({ drainMs: 1 });
      }
    },
  };
}

/**
 * What a server promises its clients, on any runtime that has `Request` and `Response`.
 *
 * @example
 * for (const { name, run } of serverSuite) test(name, () => run(createSSEServer));
 */
export const serverSuite: readonly ServerCase[] = [
  serverCase('a stream says its type and that it must not be kept', async ({ open }) => {
    const { headers } = (await open()).stream;
    equal(headers.get('content-type'), 'text/event-stream', 'type');
    ok(/no-cache/.test(headers.get('cache-control') ?? ''), 'cache-control');
  }),
  serverCase('an event reaches every subscriber, with its name and its cursor', async ({ sse, open }) => {
    const streams = [(await open()).stream, (await open()).stream];
    const id = await sse.publishEvent('update', 'two\nlines 😀', 'all');
    for (const stream of streams) equal(await stream.next(), { id, event: 'update', data: 'two\nlines 😀' }, 'message');
  }),
  serverCase('an event of another channel reaches nobody', async ({ sse, open }) => {
    const { stream } = await open();
    await sse.publish('not for us', 'other');
    await sse.publish('for us', 'all');
    equal(await stream.data(1), ['for us'], 'data');
  }),
  serverCase('many events arrive in order, each once', async ({ sse, open }) => {
    const { stream } = await open();
    const sent = Array.from({ length: 500 }, (_, i) => String(i));
    await Promise.all(sent.map((data) => sse.publish(data, 'all')));
    equal(await stream.data(500), sent, 'data');
  }),
  serverCase('a client that comes back gets what it missed', async ({ sse, open }) => {
    const { stream, at } = await open();
    const first = await sse.publish('1', 'all');
    equal((await stream.next())?.id, first, 'id');
    await stream.leave();
    await sse.publish('2', 'all');
    await sse.publish('3', 'all');
    const back = await open({ 'last-event-id': first });
    equal([back.at.id, ...(await back.stream.data(2))], [first, '2', '3'], 'after the first');
    const again = await open({ 'last-event-id': at.id });
    equal(await again.stream.data(3), ['1', '2', '3'], 'after none');
  }),
  serverCase(
    'a client whose events are gone is told so',
    async ({ sse, open }) => {
      const { at } = await open();
      for (const data of ['1', '2', '3']) await sse.publish(data, 'all');
      const { stream } = await open({ 'last-event-id': at.id });
      const reset = await stream.next();
      equal([reset?.event, JSON.parse(reset!.data).reason], ['tinysse:reset', 'evicted'], 'reset');
      equal(await stream.data(1), ['3'], 'what survives');
    },
    { historyReplayBuffer: 1 },
  ),
  serverCase('a stream that is left is a subscriber less', async ({ sse, open }) => {
    const { stream } = await open();
    equal((await sse.stats()).subscribers, 1, 'before');
    await stream.leave();
    equal((await sse.stats()).subscribers, 0, 'after');
  }),
  serverCase('streams end when the server closes', async ({ sse, open }) => {
    const { stream } = await open();
    const ended = stream.next();
    await sse.close({ drainMs: 1 });
    equal((await ended) ?? null, null, 'the end');
  }),
  serverCase(
    'who is not allowed is refused',
    async ({ sse }) => {
      const { status, body } = await sse.fetch(new Request('http://localhost/events'));
      await body?.cancel();
      equal(status, 401, 'status');
    },
    {
      channelProvider: {
        resolveChannels() {
          throw new Error('nobody');
        },
      },
    },
  ),
];
