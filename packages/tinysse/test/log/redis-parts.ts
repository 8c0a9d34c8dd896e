import { createClient } from 'redis';
import { createSSEServer, type SSEServer, type SSEServerOptions } from 'tinysse';
import { type RedisLog, type RedisLogOptions, redisLog } from 'tinysse/redis';
import { onTestFinished } from 'vitest';
import { RedisServer as Redis } from '../../../../faults/parts/redis-server.mjs';
import { Relay as TcpRelay } from '../../../../faults/parts/relay.mjs';

/** What must be undone when a test, or all tests of a file, have finished. */
export type Cleanup = (undo: () => Promise<void>) => void;

/** A real redis-server with a folder of its own; ended when the test, or what `cleanup` stands for, has finished. */
export class RedisServer extends Redis {
  /** @param args - as on redis-server's command line, `--appendonly yes` for one */
  static override async start(args: readonly string[] = [], cleanup: Cleanup = onTestFinished): Promise<Redis> {
    const server = await Redis.start(args);
    cleanup(() => server.end());
    return server;
  }

  static override async sentinel(master: number): Promise<Redis> {
    const server = await Redis.sentinel(master);
    onTestFinished(() => server.end());
    return server;
  }
}

/** A TCP proxy in front of a server, to be cut, stalled and pointed elsewhere. */
export class Relay extends TcpRelay {
  static override async start(target: number, cleanup: Cleanup = onTestFinished): Promise<TcpRelay> {
    const relay = await TcpRelay.start(target);
    cleanup(async () => relay.close());
    return relay;
  }
}

/** A log on the Redis at a port, closed when the test has finished. */
export function openLog(port: number, options: Partial<RedisLogOptions> = {}): RedisLog {
  const log = redisLog({ client: createClient({ socket: { host: '127.0.0.1', port } }), ...options });
  onTestFinished(() => log.close());
  return log;
}

/** A server of streams on a log. */
export function openServer(log: RedisLog, options: SSEServerOptions = {}): SSEServer {
  const sse = createSSEServer({ log, logger: () => {}, ...options });
  onTestFinished(() => sse.close({ drainMs: 1 }));
  return sse;
}

/** What a client has been sent, in order: an event that was published, or a reset. */
export type Received =
  | { id: string; data: string; reset?: undefined }
  | { id: string; reset: { reason: string; lastEventId: string; resumedAt: string } };

/** A client of a server in this process. */
export class Client {
  readonly received: Received[] = [];
  lastEventId: string | undefined;
  #text = '';
  #waiting: (() => void)[] = [];
  #stop: () => void = () => {};

  static async open(sse: SSEServer, channels: string[], from = 'latest', lastEventId?: string): Promise<Client> {
    const client = new Client();
    const abort = new AbortController();
    client.#stop = () => abort.abort();
    onTestFinished(client.#stop);
    const request = new Request('http://localhost/', {
      signal: abort.signal,
      headers: { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) },
    });
    const response = await sse.respond(request, { channels, from });
    void client.#read(response.body as ReadableStream<Uint8Array>).catch(() => {});
    await client.until(() => client.lastEventId !== undefined);
    return client;
  }

  get data(): string[] {
    return this.received.flatMap((item) => (item.reset ? [] : [item.data]));
  }

  get resets() {
    return this.received.flatMap(({ reset }) => (reset ? [reset] : []));
  }

  leave(): void {
    this.#stop();
  }

  /** Resolves when `ready` says so; looks whenever something has arrived. */
  until(ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (ready()) resolve();
        else this.#waiting.push(check);
      };
      check();
    });
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      this.#text += decoder.decode(bytes, { stream: true });
      const blocks = this.#text.split('\n\n');
      this.#text = blocks.pop() as string;
      for (const block of blocks) this.#take(block);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const check of waiting) check();
    }
  }

  #take(block: string): void {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    const [id, data] = [field('id') ?? '', field('data') ?? ''];
    if (id !== '') this.lastEventId = id;
    if (field('event') === 'tinysse:reset') this.received.push({ id, reset: JSON.parse(data) });
    else if (id !== '' && field('event') !== 'tinysse:position') this.received.push({ id, data });
  }
}

/** Which commands a server runs, those of scripts too, until the test has finished. */
export async function monitor(port: number): Promise<string[]> {
  const client = createClient({ socket: { host: '127.0.0.1', port } });
  await client.connect();
  onTestFinished(() => client.destroy());
  const commands: string[] = [];
  await client.monitor((line) => commands.push(String(line)));
  return commands;
}
