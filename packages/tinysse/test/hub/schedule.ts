import fc from 'fast-check';
import { type Log, type LogChannel, memoryLog } from 'tinysse';
import { Ledger } from '../../../../faults/ledger/ledger.mjs';
import type { Reader } from '../../../../faults/ledger/reader.mjs';
import type { Cursor } from '../../src/protocol/cursor.js';
import { channelName } from '../../src/protocol/event.js';
import { createBench, framesOf, type TestSink } from './bench.js';
import { type RemoteLog, remoteLog, type Way } from './remote-log.js';
import { Page, type SnapshotKind, State, snapshotKinds } from './state.js';

/** One step of a schedule. */
export type Action =
  | { kind: 'publish'; channels: string[]; data: string; elsewhere?: boolean }
  /** Many events for one channel: its floor rises, far from the others'. */
  | { kind: 'burst'; channel: string; count: number }
  | { kind: 'connect'; client: number }
  /** A client that has no position, or has forgotten its own. */
  | { kind: 'come'; client: number; from: From | SnapshotKind }
  | { kind: 'stall' | 'read' | 'cut'; client: number }
  | { kind: 'turn' }
  | { kind: 'advance'; ms: number }
  | { kind: 'restart' }
  | { kind: 'hold' | 'release'; way: Way }
  | { kind: 'deafen' | 'hear' | 'failOver' };

type From = 'latest' | 'earliest';

const CLIENTS = ['a', 'b', 'a b', 'a b c', 'c', 'a'];

const client = fc.nat({ max: CLIENTS.length - 1 });
const names = ['a', 'b', 'c', 'unheard'];
const channels = fc.subarray(names, { minLength: 1 });
const LONG = 'long';
// Some events are so long that few fit into the log or a page.
const data = fc.oneof(
  fc.string({ maxLength: 5 }).map((text) => text.replace(/[\r\n]/g, '')),
  fc.constant(LONG),
);

/** Any step, publishes and turns most often. */
export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('publish' as const), channels, data, elsewhere: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('burst' as const),
      channel: fc.constantFrom(...names),
      count: fc.integer({ min: 2, max: 12 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('connect' as const), client }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('come' as const),
      client,
      from: fc.constantFrom('latest' as const, 'earliest' as const, ...snapshotKinds),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('stall' as const, 'read' as const, 'read' as const, 'cut' as const),
      client,
    }),
  },
  { weight: 6, arbitrary: fc.constant({ kind: 'turn' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(500, 20_000, 70_000) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('hold' as const, 'release' as const),
      way: fc.constantFrom('answers' as const, 'reports' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('deafen' as const, 'hear' as const, 'failOver' as const) }),
  },
);

interface Client {
  readonly channels: string;
  reader: Reader;
  /** What it sends when it reconnects, as an EventSource does: the last id that it has seen. */
  lastEventId: string;
  /** Where it starts while it has no id. */
  from: From;
  /** What it shows, if it gets snapshots, and of which kind. */
  page: Page | undefined;
  snapshot: SnapshotKind | undefined;
  sink: (TestSink & { end(): void }) | undefined;
}

/**
 * Runs a schedule against a hub on a fake clock, then lets everybody connect and catch up, and checks every client's
 * whole transcript over all its connections.
 * @param options.tamper - changes what a connection's client has received, to test the check itself
 */
export async function runSchedule(
  actions: Action[],
  options: { answersLater: boolean; tamper?: (text: string) => string },
): Promise<void> {
  const run = new Run(options.answersLater, options.tamper ?? ((text) => text));
  for (const step of actions) await run.take(step);
  await run.finish();
}

/** A schedule under way. */
class Run {
  readonly #answersLater: boolean;
  readonly #tamper: (text: string) => string;
  readonly #ledger = new Ledger();
  readonly #state = new State();
  readonly #clients: Client[] = CLIENTS.map((channels, index) => this.#newcomer(channels, index, 'latest'));
  #log!: Log;
  /** All logs that there have been, the newest last. */
  readonly #logs: Log[] = [];
  #remote: RemoteLog | undefined;
  /** Whether nothing goes wrong any more. */
  #settling = false;
  #bench = this.#start();

  constructor(answersLater: boolean, tamper: (text: string) => string) {
    this.#answersLater = answersLater;
    this.#tamper = tamper;
  }

  #newcomer(channels: string, index: number, wish: From | SnapshotKind): Client {
    const reader = this.#ledger.reader(`client ${index}`, channels.split(' '));
    if (wish === 'earliest') reader.asksForEarliest();
    const snapshot = wish === 'latest' || wish === 'earliest' ? undefined : wish;
    const page = snapshot && new Page(channels.split(' '), this.#state, this.#ledger);
    const from = wish === 'earliest' ? 'earliest' : 'latest';
    return { channels, reader, lastEventId: '', from, page, snapshot, sink: undefined };
  }

  #newLog(clock: Parameters<typeof remoteLog>[1]): Log {
    const log = memoryLog({ clock, maxEventsPerChannel: 8, maxBytes: 60_000, maxAgeMs: 60_000, maxChannels: 3 });
    const { epoch } = log.watch({
      committed: ({ offset, channels, data }) => this.#ledger.published(`${epoch}-${offset}`, channels, data),
      interrupted: () => {},
    }) as Cursor;
    this.#log = log;
    this.#logs.push(log);
    return log;
  }

  #start() {
    return createBench(
      (clock) => {
        const log = this.#newLog(clock);
        this.#remote = this.#answersLater ? remoteLog(log, clock) : undefined;
        return this.#remote ?? log;
      },
      { clientChannelBuffer: 4, windowBytes: 20_000 },
    );
  }

  async take(step: Action): Promise<void> {
    const one = 'client' in step ? (this.#clients[step.client] as Client) : undefined;
    if (step.kind === 'publish') this.#publish(step.channels, step.data, step.elsewhere);
    else if (step.kind === 'burst')
      for (let i = 0; i < step.count; i++) this.#publish([step.channel], `${i} of ${step.count}`);
    else if (step.kind === 'connect') this.#connect(step.client);
    else if (step.kind === 'come') this.#come(step.client, step.from);
    else if (step.kind === 'stall' && one?.sink) one.sink.reading = false;
    else if (step.kind === 'read') one?.sink?.read();
    else if (step.kind === 'cut') this.#disconnect(step.client);
    else if (step.kind === 'turn') await this.#turn();
    else if (step.kind === 'advance') this.#bench.clock.advance(step.ms);
    else if (step.kind === 'restart') await this.#restart();
    else this.#disturb(step);
  }

  /** Whatever happens between the hub and a log on another machine. */
  #disturb(step: Action): void {
    if (step.kind === 'hold') this.#remote?.hold(step.way);
    else if (step.kind === 'release') this.#remote?.release(step.way);
    else if (step.kind === 'deafen') this.#remote?.cut();
    else if (step.kind === 'hear') this.#remote?.restore();
    else if (step.kind === 'failOver' && this.#remote) {
      const { epoch: from } = this.#log.head() as Cursor;
      this.#remote.failOver(this.#newLog(this.#bench.clock));
      this.#ledger.succeeded(from, (this.#log.head() as Cursor).epoch, false);
    }
  }

  #publish(channels: string[], data: string, elsewhere = false): void {
    // First the state is written, then the change is published.
    const text = this.#state.write(channels, data === LONG ? LONG.repeat(4_000) : data);
    const event = { channels: channels.map(channelName), event: undefined, data: text, size: text.length + 10 };
    if (elsewhere) this.#log.append(event);
    // The clock may leave a publish without its answer in time; what the log holds is in the books all the same.
    else Promise.resolve(this.#bench.hub.publish({ channels, data: text })).catch(() => {});
  }

  /** Ends a client's connection, if it has one, and reads its transcript into the ledger. */
  #disconnect(index: number): void {
    const one = this.#clients[index] as Client;
    if (!one.sink) return;
    one.sink.end();
    one.sink.cut();
    for (const frame of framesOf(this.#tamper(one.sink.text))) {
      one.reader.frame(frame);
      one.page?.frame(frame);
      if (frame.id !== undefined) one.lastEventId = frame.id;
    }
    if (one.sink.floors) one.reader.foundFloors(one.sink.floors);
    one.sink = undefined;
  }

  #connect(index: number): void {
    this.#disconnect(index);
    const one = this.#clients[index] as Client;
    const from = one.lastEventId || one.from;
    const names = one.channels.split(' ').map(channelName);
    one.reader.connected();
    one.page?.connected();
    const { snapshot: kind } = one;
    const snapshot = kind && (() => this.#state.snapshot(names, this.#settling ? 'whole' : kind, this.#bench.clock));
    one.sink = this.#bench.connect(one.channels, from, { snapshot });
    if (from !== 'earliest') return;
    // What the log has lost when its first answer is written was not asked for.
    one.sink.onFirstAnswer = () => {
      const floorsOf = (log: Log) => {
        const known = log.channels?.(names) as LogChannel[];
        return new Map(names.map((name, i) => [name, known[i]!.floor]));
      };
      return new Map(this.#logs.map((log) => [(log.head() as Cursor).epoch, floorsOf(log)]));
    };
  }

  #come(index: number, from: From | SnapshotKind): void {
    this.#disconnect(index);
    const { channels, reader } = this.#clients[index] as Client;
    reader.leave();
    this.#clients[index] = this.#newcomer(channels, index, from);
    this.#connect(index);
  }

  async #turn(): Promise<void> {
    if (this.#answersLater) await new Promise((resolve) => setImmediate(resolve));
    this.#bench.clock.turn();
  }

  async #restart(): Promise<void> {
    await this.#bench.settleLater();
    for (const index of this.#clients.keys()) this.#disconnect(index);
    this.#bench = this.#start();
  }

  /** Lets everybody connect and catch up without a further publish, and balances the books. */
  async finish(): Promise<void> {
    this.#settling = true;
    this.#remote?.restore();
    this.#remote?.release('reports');
    this.#remote?.release('answers');
    const clients = this.#clients;
    const isDone = (): boolean => clients.every(({ sink }) => sink && !sink.closed && sink.reading);
    for (let round = 0; round < 200 && (round < 2 || !isDone()); round++) {
      for (const [index, { sink }] of clients.entries()) if (!sink || sink.closed) this.#connect(index);
      for (const { sink } of clients) sink?.read();
      await this.#bench.settleLater();
    }
    const { behind, epoch, offset } = await this.#bench.hub.stats();
    if (behind > 0) throw new Error(`${behind} subscribers never met the edge`);
    for (const index of clients.keys()) this.#disconnect(index);
    for (const { page, reader } of this.#clients)
      if (page) this.#ledger.violations.push(...page.violations(reader.name));
    const violations = this.#ledger.balance(`${epoch}-${offset}`);
    if (violations.length > 0) throw new Error(violations.join('\n'));
  }
}
