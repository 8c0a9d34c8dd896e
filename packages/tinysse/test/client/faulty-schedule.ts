import fc from 'fast-check';
import type { SSEServer } from 'tinysse';
import { createSSEClient } from '../../src/client/client.js';
import { isSeen } from '../../src/client/position.js';
import { parseCursor } from '../../src/protocol/cursor.js';
import { createFaultyProxy, type Fault } from './faulty-proxy.js';

/** Events that the server keeps of a channel. */
export const RETENTION = 16;
/** So much faster than the real ones the clocks of client and server go. */
const SPEED = 50;
/** Timers may be so early: 2 real milliseconds. */
const EARLY_MS = 2 * SPEED;
/** How long a schedule may take, in real milliseconds. */
const PATIENCE_MS = 60_000;

const started = Date.now();
/** The time of client and server. */
export const fastClock = {
  now: () => started + (Date.now() - started) * SPEED,
  after(ms: number, run: () => void) {
    const timer = setTimeout(run, ms / SPEED);
    return () => clearTimeout(timer);
  },
  soon: (run: () => void) => void setImmediate(run),
};

/** A connection's fault, and what goes on meanwhile. */
interface Step extends Fault {
  /** Events that are published before the connection is passed on, when it begins to be answered, after its fault. */
  before: number;
  during: number;
  after: number;
  /** Whether the page is loaded anew when the fault has struck: another client with the same storage. */
  reload: boolean;
  /** Whether the page is seen again, or the network is back, while the client waits after it. */
  wake: boolean;
}

export interface Schedule {
  steps: Step[];
  /** Whether the client is told how long a silence may be, or learns it from the server. */
  told: boolean;
  /** Whether `fetch` does not heed its signal, so that bytes of a given-up attempt still arrive. */
  heedless: boolean;
}

const few = fc.nat({ max: 12 });
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...(['refuse', 'status', 'cut', 'cut', 'stall', 'late', 'repeat', 'later', 'retry', 'redirect', 'abroad'] as const),
  ),
  bytes: fc.nat({ max: 900 }),
  piece: fc.oneof(fc.constantFrom(1, 2), fc.integer({ min: 3, max: 1_000 })),
  before: few,
  during: few,
  after: few,
  reload: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  wake: fc.boolean(),
  askedS: fc.constantFrom(1, 3, 7),
});

/** Up to eight connections that fail, one after the other. */
export const schedule: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 8, size: 'max' }),
  told: fc.boolean(),
  heedless: fc.boolean(),
});

/** What the application heard, in order. */
export type Heard =
  | { id: string; data: string }
  /** A reset; `published`: how many events had been published when it came. */
  | { resumedAt: string; reason: string; published: number };

/**
 * Runs a schedule: a client, the proxy that harms its connections, and a server whose events' data are their numbers.
 * @returns what the client heard until the last event, and the cursor of every event
 */
export async function runSchedule(
  sse: SSEServer,
  target: number,
  channel: string,
  { steps, told, heedless }: Schedule,
): Promise<{ heard: Heard[]; cursors: string[] }> {
  const heard: Heard[] = [];
  const publishes: Promise<string>[] = [];
  /** The data of the last event; a fault that strikes later brings no more. */
  let last: string | undefined;
  const publish = (events = 0): void => {
    if (last) return;
    for (let i = 0; i < events; i++) publishes.push(sse.publish(String(publishes.length), channel));
  };
  const stored = new Map([['*', await sse.cursor()]]);
  /** What the client must not have done. */
  const faults: string[] = [];
  /** The shortest wait that has been asked for, from which moment, after which connection. */
  let asked: { from: number; ms: number; attempt: number } | undefined;
  let attempts = 0;
  /** Whether the last request is the client's last attempt. */
  let isCurrent = false;
  let brought = false;
  let connections = 0;
  let arrived = () => {};
  const done = new Promise<void>((resolve) => (arrived = resolve));

  const proxy = await createFaultyProxy({
    target,
    faults: steps,
    onConnect(n) {
      connections = n + 1;
      publish(steps[n]?.before);
    },
    onAnswer(n) {
      publish(steps[n]?.during);
      if (n < steps.length || last) return;
      publish(1);
      last = String(publishes.length - 1);
    },
    onRequest(_n, head, isAbroad) {
      if (isAbroad && /x-key|last-event-id/i.test(head)) faults.push(`another origin was told ${head}`);
      // A fetch that heeds no signal goes on for attempts that were given up, and no client hears what it is told.
      const key = Number(/^x-key: (\d+)/im.exec(head)?.[1] ?? 0);
      isCurrent = key === attempts;
      if (!asked || key <= asked.attempt) return;
      const early = asked.from + asked.ms - EARLY_MS - fastClock.now();
      if (early > 0) faults.push(`it came ${early} ms before the ${asked.ms} ms that were asked for`);
      asked = undefined;
    },
    onFault(n) {
      const { kind, askedS, reload, after } = steps[n]!;
      // A page that is loaded anew does not know.
      if (!reload && isCurrent && /^(later|retry)$/.test(kind))
        asked = { from: fastClock.now(), ms: askedS * 1_000, attempt: attempts };
      publish(after);
      if (!reload) return;
      asked = undefined;
      client.close();
      client = open();
    },
  });

  const open = () => {
    const client = createSSEClient(
      {
        endpoint: `http://127.0.0.1:${proxy.port}/?channel=${channel}`,
        storage: { getItem: () => stored.get('*')!, setItem: (_key, id) => void stored.set('*', id) },
        fetch: (url, { signal, ...init }) => fetch(url, heedless ? init : { ...init, signal: signal! }),
        // Ample where the machine is busy: attempts that always end too early would come to nothing.
        connectTimeoutMs: 30_000,
        ...(told && { idleTimeoutMs: 10_000 }),
        headers: () => ({ 'x-key': `${++attempts}` }),
      },
      fastClock,
      Math.random,
      (wake) => {
        const timers = steps[connections - 1]?.wake ? [0, 5].map((ms) => setTimeout(wake, ms)) : [];
        return () => timers.forEach(clearTimeout);
      },
    );
    brought = false;
    client.onError(({ attempt, willRetry, code }) => {
      if (!willRetry) faults.push(`it ended with ${code}`);
      if (brought && attempt !== 1) faults.push(`attempt ${attempt} after one that brought a message`);
      brought = false;
    });
    client.onMessage(({ id, data }) => {
      brought = true;
      heard.push({ id, data });
      if (data === last) arrived();
    });
    client.onReset(async ({ resumedAt, reason }) => {
      heard.push({ resumedAt, reason, published: publishes.length });
      // A stream that began elsewhere may begin after the last event.
      if (last && isSeen((await publishes.at(-1))!, resumedAt)) arrived();
    });
    client.connect();
    return client;
  };
  let client = open();

  // A fault that waits for more bytes than are due would wait for ever.
  const nudge = setInterval(() => last === undefined && publish(1), 1_000);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const stands = `${client.state} at ${client.lastEventId} after ${connections} of ${steps.length} connections that fail, with ${publishes.length} published`;
      reject(new Error(`the last event (${last}) did not come, ${stands}; heard: ${show(heard)}`));
    }, PATIENCE_MS);
  });
  try {
    await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
    clearInterval(nudge);
    client.close();
    proxy.close();
  }
  if (faults.length > 0) throw new Error(faults.join('; '));
  return { heard, cursors: await Promise.all(publishes) };
}

/**
 * Checks that every event came once and in order, or was excused by a reset, where it was kept no longer.
 * @param mayLose - whether a server may not have been told where the client stands
 */
export function balance(heard: readonly Heard[], cursors: readonly string[], mayLose = false): void {
  const offsets = cursors.map((cursor) => parseCursor(cursor)!.offset);
  let next = 0;
  for (const item of heard) {
    if ('data' in item) {
      if (item.data !== String(next) || item.id !== cursors[next])
        throw new Error(`${item.data} came where ${next} was due; heard: ${show(heard)}`);
      next++;
    } else {
      const floor = parseCursor(item.resumedAt)!.offset;
      while (next < offsets.length && offsets[next]! <= floor) next++;
      // Of a redirect that took the stream to where the cursor may not go.
      if (item.reason === 'unknown' && mayLose) continue;
      if (item.reason !== 'evicted' || next > item.published - RETENTION)
        throw new Error(`a reset (${item.reason}) to before ${next} of ${item.published}; heard: ${show(heard)}`);
    }
  }
  if (next !== cursors.length) throw new Error(`${next} of ${cursors.length} came; heard: ${show(heard)}`);
}

const show = (heard: readonly Heard[]): string =>
  heard.map((item) => ('data' in item ? item.data : `reset ${item.resumedAt}`)).join(' ');
