import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { createSSEServer, type SSEServer, type SSEServerOptions } from 'tinysse';
import { type RedisLog, type RedisLogOptions, redisLog } from 'tinysse/redis';
import { onTestFinished } from 'vitest';
import { program } from '../programs.js';

/** What must be undone when a test, or all tests of a file, have finished. */
export type Cleanup = (undo: () => Promise<void>) => void;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A real redis-server with a folder of its own. */
export class RedisServer {
  readonly port: number;
  readonly #dir: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, dir: string, args: readonly string[]) {
    this.port = port;
    this.#dir = dir;
    this.#args = args;
  }

  /** @param args - as on redis-server's command line, `--appendonly yes` for one */
  static async start(args: readonly string[] = [], cleanup: Cleanup = onTestFinished): Promise<RedisServer> {
    const dir = await mkdtemp(join(tmpdir(), 'tinysse-redis-'));
    const server = new RedisServer(await freePort(), dir, args);
    cleanup(() => server.#end());
    await server.start();
    return server;
  }

  /** A Sentinel that watches over the master at a port, as `mymaster`, and moves fast. */
  static async sentinel(master: number): Promise<RedisServer> {
    const dir = await mkdtemp(join(tmpdir(), 'tinysse-redis-'));
    const config = join(dir, 'sentinel.conf');
    const timing = 'sentinel down-after-milliseconds mymaster 300\nsentinel failover-timeout mymaster 3000\n';
    await writeFile(config, `sentinel monitor mymaster 127.0.0.1 ${master} 1\n${timing}`);
    const server = new RedisServer(await freePort(), dir, ['--sentinel']);
    onTestFinished(() => server.#end());
    await server.start([config]);
    return server;
  }

  /** Starts it, on what it finds in its folder. */
  async start(config = ['--save', '']): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir];
    // A configuration file comes first.
    const all = config.length === 1 ? [...config, ...args, ...this.#args] : [...args, ...config, ...this.#args];
    const child = spawn(program('redis-server') as string, all, {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stdout.on('data', (text) => {
        said += text;
        if (/Ready to accept connections|\+monitor master/.test(said)) resolve();
      });
      child.once('exit', () => reject(new Error(`redis-server ended:\n${said}`)));
    });
  }

  async #end(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  /** Stops and continues it as a whole, as a machine that hangs does. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /** Runs one command. */
  async run(...args: string[]): Promise<unknown> {
    const client = createClient({ socket: { host: '127.0.0.1', port: this.port } });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }
}

/** A TCP proxy in front of a server, to be cut, stalled and pointed elsewhere. */
export class Relay {
  readonly port: number;
  readonly #sockets = new Set<Socket>();
  #target: number;
  #open = true;
  #stalled = false;

  private constructor(server: Server, target: number) {
    this.port = (server.address() as AddressInfo).port;
    this.#target = target;
    server.on('connection', (near) => this.#join(near));
  }

  static async start(target: number, cleanup: Cleanup = onTestFinished): Promise<Relay> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const relay = new Relay(server, target);
    cleanup(async () => {
      relay.cut();
      server.close();
    });
    return relay;
  }

  #join(near: Socket): void {
    near.on('error', () => {});
    if (!this.#open) return void near.destroy();
    const far = connect(this.#target, '127.0.0.1');
    far.on('error', () => {});
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('data', (bytes) => other.write(bytes));
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      if (this.#stalled) one.pause();
    }
  }

  /** Ends every connection and refuses new ones. */
  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Takes connections again, for another server if one is named. */
  restore(target = this.#target): void {
    this.#target = target;
    this.#open = true;
  }

  /** Connections stay, but nothing passes. */
  stall(): void {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  flow(): void {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.resume();
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
