import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { createSSEServer, type SSEServer } from 'tinysse';
import { createSSEClient } from '../../src/client/client.js';
import { createFaultyProxy } from './faulty-proxy.js';
import { fastClock, RETENTION, type Schedule, schedule } from './faulty-schedule.js';

const PATIENCE_MS = 60_000;
const KEYS = 8;

/** A schedule of faults, with what a server that has a state is put to beside. */
export interface StateSchedule extends Schedule {
  /** Of each connection: whether the server has been started anew, without its log, when its fault has struck. */
  restarts: boolean[];
  /** Of each snapshot: whether it fails half-way, and how many changes are made while it runs. */
  snapshots: { fails: boolean; during: number }[];
}

export const stateSchedule: fc.Arbitrary<StateSchedule> = fc
  .tuple(
    schedule,
    fc.array(
      fc.nat({ max: 3 }).map((n) => n === 0),
      { minLength: 8, maxLength: 8 },
    ),
    fc.array(fc.record({ fails: fc.nat({ max: 4 }).map((n) => n === 0), during: fc.nat({ max: 20 }) }), {
      maxLength: 8,
      size: 'max',
    }),
  )
  .map(([faults, restarts, snapshots]) => ({ ...faults, restarts, snapshots }));

/** A change of the state: `key` gets `n` as its value, or is removed where `n` is divisible by five. */
type Change = [n: number, key: string];
const apply = (rows: Map<string, number>, [n, key]: Change): void => void (n % 5 ? rows.set(key, n) : rows.delete(key));
const show = (rows: Map<string, number>): string => JSON.stringify([...rows].sort());

/** What a page makes of a stream: no logic for gaps, and a change that is applied twice does no harm. */
class Page {
  rows = new Map<string, number>();
  /** The number of the last change that the rows have; undefined while a snapshot is coming. */
  version: number | undefined;
  #next = 0;

  snapshot(complete: boolean): void {
    if (!complete) this.rows = new Map();
    this.version = complete ? this.#next : undefined;
    if (!complete) this.#next = 0;
  }
  message(event: string, data: string): void {
    const [n, key] = JSON.parse(data) as Change;
    if (event === 'version') this.#next = n;
    else if (event === 'row') this.rows.set(key, n);
    else if (this.version !== undefined && n > this.version) {
      apply(this.rows, [n, key]);
      this.version = n;
    }
  }
}

/** A keyed state that is changed first and published after, on a server that can be started anew. */
function createState(snapshots: StateSchedule['snapshots']) {
  const rows = new Map<string, number>();
  /** What the state was after each change. */
  const history = [show(rows)];
  let taken = 0;
  async function* snapshot() {
    // All at one moment, as a transaction reads it; what happens while it is sent is not in it.
    const copy = [...rows];
    const { fails, during } = snapshots[taken++] ?? { fails: false, during: 0 };
    yield { event: 'version', data: JSON.stringify([history.length - 1, '']) };
    for (const [i, [key, n]] of copy.entries()) {
      if (i === 2 && fails) throw new Error('database away');
      if (i === 1) change(during);
      await new Promise((resolve) => setImmediate(resolve));
      yield { event: 'row', data: JSON.stringify([n, key]) };
    }
  }
  const make = (): SSEServer =>
    createSSEServer({
      channelProvider: { resolveChannels: () => ['all'] },
      snapshot,
      historyReplayBuffer: RETENTION,
      heartbeatMs: 2_500,
      clock: fastClock,
      logger: () => {},
    });
  let sse = make();
  const change = (count = 0): void => {
    for (let i = 0; i < count; i++) {
      const n = history.length;
      const one: Change = [n, `k${(n * 7) % KEYS}`];
      apply(rows, one);
      history.push(show(rows));
      // One that is being closed refuses; its clients get a snapshot from the next.
      sse.publish(JSON.stringify(one), 'all').catch(() => {});
    }
  };
  return {
    history: history as readonly string[],
    change,
    handler: (...args: Parameters<SSEServer['handler']>) => sse.handler(...args),
    restart() {
      void sse.close({ drainMs: 1 });
      sse = make();
    },
    close: () => sse.close({ drainMs: 1 }),
  };
}

/**
 * Runs a schedule against a server with a state, and checks what the page shows, after everything that it hears.
 * @returns how often the page was given a snapshot, and how many of these were cut
 */
export async function runStateSchedule(
  one: StateSchedule,
  create = createSSEClient,
): Promise<{ begun: number; cut: number }> {
  const { steps, restarts, snapshots, heedless } = one;
  const counts = { begun: 0, cut: 0 };
  const faults: string[] = [];
  const state = createState(snapshots);
  state.change(12);
  const server = createServer((req, res) => void state.handler(req, res));
  // A connection that is used again would not pass by the proxy's schedule.
  server.maxRequestsPerSocket = 1;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let over = false;
  let arrived = () => {};
  const done = new Promise<void>((resolve) => (arrived = resolve));

  const proxy = await createFaultyProxy({
    target: (server.address() as AddressInfo).port,
    faults: steps,
    onConnect: (n) => state.change(steps[n]?.before),
    onAnswer(n) {
      state.change(steps[n]?.during);
      if (n < steps.length || over) return;
      over = true;
      state.change(1);
    },
    onRequest: () => {},
    onFault(n) {
      if (restarts[n]) state.restart();
      state.change(steps[n]!.after);
      if (!steps[n]!.reload) return;
      client.close();
      client = open();
    },
  });

  /** The page's state is that of the server at some moment, and of none before the last change it heard of. */
  const check = (page: Page, heard: number): void => {
    const { version } = page;
    if (version === undefined) return;
    const [shown, was] = [show(page.rows), state.history[version]];
    if (shown !== was) faults.push(`the page shows ${shown}, after change ${version} the server had ${was}`);
    if (version < heard) faults.push(`the page shows change ${version}, and has heard ${heard}`);
    if (over && version === state.history.length - 1) arrived();
  };
  const open = () => {
    const page = new Page();
    let heard = 0;
    const client = create(
      {
        endpoint: `http://127.0.0.1:${proxy.port}/`,
        fetch: (url, { signal, ...init }) => fetch(url, heedless ? init : { ...init, signal: signal! }),
        connectTimeoutMs: 30_000,
        // A new client would wait without end for the first word of a server.
        idleTimeoutMs: 10_000,
      },
      fastClock,
    );
    client.onError(({ willRetry, code }) => willRetry || faults.push(`it ended with ${code}`));
    client.onSnapshot(({ complete }) => {
      if (!complete) {
        counts.cut += counts.begun && page.version === undefined ? 1 : 0;
        counts.begun++;
      }
      page.snapshot(complete);
      check(page, heard);
    });
    client.onMessage(({ event, data }) => {
      page.message(event, data);
      if (event === 'message') heard = (JSON.parse(data) as Change)[0];
      check(page, heard);
    });
    client.connect();
    return client;
  };
  let client = open();

  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the last change did not come; ${faults.join('; ')}`)), PATIENCE_MS);
  });
  try {
    await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
    client.close();
    proxy.close();
    await state.close();
    server.close();
    server.closeAllConnections();
  }
  if (faults.length > 0) throw new Error(faults.join('; '));
  return counts;
}
