import fc from 'fast-check';
import { memoryLog } from 'tinysse';
import { Ledger } from '../../../../faults/ledger/ledger.mjs';
import type { Reader } from '../../../../faults/ledger/reader.mjs';
import type { Cursor } from '../../src/protocol/cursor.js';
import { createBench, type Deaf, deafen, framesOf, later, type TestSink } from './bench.js';

/** One step of a schedule. */
export type Action =
  | { kind: 'publish'; channels: string[]; data: string }
  | { kind: 'connect'; client: number }
  | { kind: 'stall' | 'read' | 'cut'; client: number }
  | { kind: 'turn' }
  | { kind: 'advance'; ms: number }
  | { kind: 'restart' }
  | { kind: 'deafen' | 'hear' };

const CLIENTS = ['a', 'b', 'a b', 'a b c', 'c', 'a'];

const client = fc.nat({ max: CLIENTS.length - 1 });
const channels = fc.subarray(['a', 'b', 'c', 'unheard'], { minLength: 1 });
const LONG = 'long';
// Some events are so long that few fit into the log or a page.
const data = fc.oneof(
  fc.string({ maxLength: 5 }).map((text) => text.replace(/[\r\n]/g, '')),
  fc.constant(LONG),
);

/** Any step, publishes and turns most often. */
export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('publish' as const), channels, data }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('connect' as const), client }) },
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('deafen' as const, 'hear' as const) }) },
);

interface Client {
  readonly channels: string;
  readonly reader: Reader;
  /** What it sends when it reconnects, as an EventSource does: the last id that it has seen. */
  lastEventId: string;
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
  const { answersLater, tamper = (text) => text } = options;
  const ledger = new Ledger();
  const clients: Client[] = CLIENTS.map((names, index) => ({
    channels: names,
    reader: ledger.reader(`client ${index}`, names.split(' ')),
    lastEventId: '',
    sink: undefined,
  }));
  let deaf: Deaf | undefined;

  const start = () => {
    const bench = createBench(
      (clock) => {
        const memory = memoryLog({ clock, maxEventsPerChannel: 8, maxBytes: 60_000, maxAgeMs: 60_000, maxChannels: 3 });
        const { epoch } = memory.watch({
          committed: ({ offset, channels, data }) => ledger.published(`${epoch}-${offset}`, channels, data),
          interrupted: () => {},
        }) as Cursor;
        deaf = deafen(memory);
        return answersLater ? later(deaf, clock) : memory;
      },
      { clientChannelBuffer: 4, windowBytes: 20_000 },
    );
    return bench;
  };
  let bench = start();

  /** Ends a client's connection, if it has one, and reads its transcript into the ledger. */
  const finish = (index: number): void => {
    const one = clients[index] as Client;
    if (!one.sink) return;
    one.sink.end();
    one.sink.cut();
    for (const frame of framesOf(tamper(one.sink.text))) {
      one.reader.frame(frame);
      if (frame.id !== undefined) one.lastEventId = frame.id;
    }
    one.sink = undefined;
  };
  const connect = (index: number): void => {
    finish(index);
    const one = clients[index] as Client;
    one.sink = bench.connect(one.channels, one.lastEventId || 'latest');
  };
  const turn = async (): Promise<void> => {
    if (answersLater) await new Promise((resolve) => setImmediate(resolve));
    bench.clock.turn();
  };

  for (const step of actions) {
    const one = 'client' in step ? (clients[step.client] as Client) : undefined;
    if (step.kind === 'publish') {
      const data = step.data === LONG ? LONG.repeat(4_000) : step.data;
      // The clock may leave a publish without its answer in time; what the log holds is in the books all the same.
      Promise.resolve(bench.hub.publish({ channels: step.channels, data })).catch(() => {});
    } else if (step.kind === 'connect') connect(step.client);
    else if (step.kind === 'stall' && one?.sink) one.sink.reading = false;
    else if (step.kind === 'read') one?.sink?.read();
    else if (step.kind === 'cut') finish(step.client);
    else if (step.kind === 'turn') await turn();
    else if (step.kind === 'advance') bench.clock.advance(step.ms);
    else if (step.kind === 'deafen' && answersLater) deaf?.cut();
    else if (step.kind === 'hear' && answersLater) deaf?.restore(await deaf.head());
    else if (step.kind === 'restart') {
      await bench.settleLater();
      for (const index of clients.keys()) finish(index);
      bench = start();
    }
  }

  deaf?.restore(await deaf.head());
  for (const [index, { sink }] of clients.entries()) if (!sink || sink.closed) connect(index);
  for (let round = 0; round < 200 && clients.some(({ sink }) => sink?.closed || !sink?.reading); round++) {
    for (const [index, { sink }] of clients.entries()) if (sink?.closed) connect(index);
    for (const { sink } of clients) sink?.read();
    await bench.settleLater();
  }
  await bench.settleLater();
  const { behind, epoch, offset } = await bench.hub.stats();
  if (behind > 0) throw new Error(`${behind} subscribers never met the edge`);
  for (const index of clients.keys()) finish(index);
  const violations = ledger.balance(`${epoch}-${offset}`);
  if (violations.length > 0) throw new Error(violations.join('\n'));
}
