import { equal, ok } from './assert.js';

/** What a scripted server answers to one request. It is data, so that it can be sent to the server. */
export interface Answer {
  /** Default: 200. */
  status?: number;
  /** Default: `content-type: text/event-stream`. */
  headers?: Record<string, string>;
  /** Sends the client on, on the same origin or to another, where the next answer waits; goes with a status of 3xx. */
  redirect?: 'here' | 'abroad';
  /** Text, or pieces of text and bytes that leave one by one. */
  body?: string | readonly (string | readonly number[])[];
  /** Cuts the body into chunks of so many bytes. */
  cut?: number;
  /** What follows the body. `'drop'` cuts the connection; without a body it does so before the answer. Default: `'hold'`. */
  after?: 'hold' | 'end' | 'drop';
}

/** A request as the scripted server saw it. */
export interface SeenRequest {
  method: string;
  /** By lower-case names; their bytes are read as UTF-8. */
  headers: Record<string, string | undefined>;
  /** Milliseconds since the answer before it had ended. */
  waitedMs: number;
}

/** What a client may tell of an event. */
export interface HeardMessage {
  id: string;
  event: string;
  data: string;
  origin?: string;
}

/** A snapshot, by the number of messages that were heard before it began and when it was complete. */
export interface HeardSnapshot {
  reason: string;
  from: number;
  to?: number;
}

/** What a client must hear and do. A run ends when it has heard as much as this says, or after 15 s. */
export interface ClientExpectations {
  /** Every message, in order. Default of `event`: `'message'`; of `id`: empty. */
  messages?: readonly { data: string; event?: string; id?: string; origin?: 'here' | 'abroad' }[];
  /** How many streams open. */
  opens?: number;
  /** How many of them, or of the attempts before, are lost while the client goes on by itself. */
  lost?: number;
  /** The client ends for good, by itself. */
  closed?: boolean;
  /** The reasons of resets, in order. */
  resets?: readonly string[];
  /** The reasons of snapshots, and which of `messages` were theirs: from `from` up to, not including, `to`; without `to` it was cut. */
  snapshots?: readonly HeardSnapshot[];
  /** What requests say, one after the other; null: no such header. */
  sent?: readonly Record<string, string | null>[];
  /** No more than so many requests come, also within `watchMs` milliseconds after the run. */
  requests?: number;
  watchMs?: number;
  /** Each reconnect waits at least so long, in milliseconds. */
  waitedMs?: number;
}

/** One sentence about what a client does. */
export interface ClientCase {
  readonly name: string;
  /** What is answered to request 1, 2, …; after the last, silence. */
  readonly answers: readonly Answer[];
  readonly expects: ClientExpectations;
  /** The test closes the client there, and the server must see it go. */
  readonly closeOn?: 'message' | 'lost';
}

/** What a client under test tells the suite. */
export interface Hears {
  open(): void;
  message(message: HeardMessage): void;
  /** A stream or an attempt is lost, and the client goes on by itself. */
  lost(): void;
  /** The client has ended by itself. */
  closed(): void;
  /** Only of clients that know of resets. */
  reset(reason: string): void;
  /** Only of clients that know of snapshots: one begins, or is complete. */
  snapshot(reason: string, complete: boolean): void;
}

/**
 * A client under test: opens `url`, and tells what it hears until it is closed.
 * @param events - the names of events that it must listen to
 * @returns what closes it
 */
export type ClientUnderTest = (url: string, hears: Hears, events: readonly string[]) => () => void;

const LONGEST_RUN_MS = 15_000;
const POLL_MS = 20;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** What a client was heard to do. */
interface Heard {
  messages: HeardMessage[];
  resets: string[];
  snapshots: HeardSnapshot[];
  opens: number;
  lost: number;
  closed: boolean;
}

/** What the server saw of a run. */
interface Report {
  requests: SeenRequest[];
  open: number;
}

/**
 * Holds a client to one case.
 *
 * @param server - the URL of a scripted server
 * @throws Error what the client did otherwise
 */
export async function runClientCase(test: ClientCase, client: ClientUnderTest, server: string): Promise<void> {
  const posted = await fetch(`${server}/cases`, { method: 'POST', body: JSON.stringify(test.answers) });
  const { id, abroad } = (await posted.json()) as { id: string; abroad: string };
  const report = async (): Promise<Report> => (await fetch(`${server}/reports/${id}`)).json();

  const heard: Heard = { messages: [], resets: [], snapshots: [], opens: 0, lost: 0, closed: false };
  const { close, enough } = listen(test, client, `${server}/cases/${id}`, heard);
  try {
    await enough;
    await wait(test.expects.watchMs ?? 0);
    let seen = await report();
    if (test.closeOn)
      for (let left = LONGEST_RUN_MS / POLL_MS; seen.open > 0; seen = await report()) {
        ok(left-- > 0, 'the client was closed, and its connection is open');
        await wait(POLL_MS);
      }
    checkHeard(test.expects, heard, { here: new URL(server).origin, abroad });
    checkSeen(test.expects, seen);
  } finally {
    close();
  }
}

/** Opens the client; `enough` resolves when it was heard to do all that the case expects, and rejects after 15 s. */
function listen({ expects, closeOn }: ClientCase, client: ClientUnderTest, url: string, heard: Heard) {
  const { messages = [], resets = [], snapshots = [], opens = 0, lost = 0, closed = false } = expects;
  let timer: ReturnType<typeof setTimeout>;
  let resolve = () => {};
  const enough = new Promise<void>((done, fail) => {
    resolve = done;
    timer = setTimeout(() => fail(new Error(`after 15 s there was only ${JSON.stringify(heard)}`)), LONGEST_RUN_MS);
  });
  const tell = (at?: ClientCase['closeOn']): void => {
    if (at && at === closeOn) close();
    // After an end that was not expected nothing more comes.
    const over = heard.closed && !closed;
    const all =
      heard.messages.length >= messages.length &&
      heard.resets.length >= resets.length &&
      heard.snapshots.length >= snapshots.length &&
      heard.snapshots.filter(({ to }) => to).length >= snapshots.filter(({ to }) => to).length &&
      heard.opens >= opens &&
      heard.lost >= lost &&
      heard.closed === closed;
    if (over || all) resolve();
  };
  const hears: Hears = {
    open() {
      heard.opens++;
      tell();
    },
    message(message) {
      heard.messages.push(message);
      tell('message');
    },
    lost() {
      heard.lost++;
      tell('lost');
    },
    closed() {
      heard.closed = true;
      tell();
    },
    reset(reason) {
      heard.resets.push(reason);
      tell();
    },
    snapshot(reason, complete) {
      const { length } = heard.messages;
      if (complete) heard.snapshots.at(-1)!.to = length;
      else heard.snapshots.push({ reason, from: length });
      tell();
    },
  };
  const close = client(
    url,
    hears,
    messages.map(({ event }) => event ?? 'message'),
  );
  return {
    enough,
    close() {
      clearTimeout(timer);
      close();
    },
  };
}

function checkHeard(
  { messages = [], resets = [], snapshots = [], closed = false }: ClientExpectations,
  heard: Heard,
  origins: { here: string; abroad: string },
): void {
  // An origin is compared where one is expected and the client tells it.
  const told = heard.messages.map(({ id, event, data, origin }, i) => [id, event, data, messages[i]?.origin && origin]);
  const wanted = messages.map(({ id = '', event = 'message', data, origin }, i) => [
    id,
    event,
    data,
    origin && heard.messages[i]?.origin && origins[origin],
  ]);
  equal(told, wanted, 'messages');
  equal(heard.resets, resets, 'resets');
  equal(heard.snapshots, snapshots, 'snapshots');
  equal(heard.closed, closed, 'closed');
}

function checkSeen({ sent = [], requests, waitedMs = 0 }: ClientExpectations, seen: Report): void {
  for (const [i, headers] of sent.entries())
    for (const [name, value] of Object.entries(headers))
      equal(seen.requests[i]?.headers[name] ?? null, value, `${name} of request ${i + 1}`);
  if (requests) ok(seen.requests.length <= requests, `${seen.requests.length} requests came, at most ${requests} may`);
  for (const [i, request] of seen.requests.entries()) {
    equal(request.method, 'GET', 'method');
    // Timers may be a little early.
    if (i && waitedMs) ok(request.waitedMs > waitedMs * 0.95, `request ${i + 1} came after ${request.waitedMs} ms`);
  }
}
