import type { IncomingMessage } from 'node:http';
import type { SnapshotOf, SourceEvent } from 'tinysse';
import { type Credentials, credentialsOf } from '../auth/credentials.js';
import { SnapshotFailure } from './failure.js';
import { type AnswerLimits, LineReader } from './lines.js';
import { type Ask, createAsk } from './request.js';

export interface SnapshotSettings extends AnswerLimits {
  readonly url: URL;
  /** Answers that may be open, those included whose clients do not read. */
  readonly mostOpen: number;
}

/** The snapshots of one client. @param token - of its query */
export type SnapshotsFor = (req: IncomingMessage, token: string | undefined) => SnapshotOf;

/** Makes what gives each client its snapshots. */
export function createSnapshots({ url, mostOpen, ...limits }: SnapshotSettings): SnapshotsFor {
  const ask = createAsk(url);
  const places = new Places(mostOpen);
  return (req, token) => {
    const credentials = credentialsOf(req.headers, token);
    return ({ channels }) => new Answer(places, (signal) => read(ask, limits, { channels, credentials, signal }));
  };
}

interface Question {
  readonly channels: readonly string[];
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

/** Gives the events of an answer as they come, those of one chunk together. */
async function* read(
  ask: Ask,
  limits: AnswerLimits,
  { channels, credentials, signal }: Question,
): AsyncGenerator<SourceEvent[]> {
  const response = await ask(channels, credentials, signal);
  const lines = new LineReader(limits);
  try {
    for await (const chunk of response) yield lines.take(chunk as Buffer);
  } catch (error) {
    if (error instanceof SnapshotFailure) throw error;
    throw cut(error);
  }
  if (!response.complete) throw cut();
  yield lines.end();
}

const cut = (cause?: unknown): SnapshotFailure =>
  new SnapshotFailure('SNAPSHOT_CUT', 'the answer was cut before its end', { cause });

/** One answer, read as its client reads. Ending it ends the request, whatever is being waited for. */
class Answer implements AsyncIterable<SourceEvent>, AsyncIterator<SourceEvent> {
  readonly #places: Places;
  readonly #ending = new AbortController();
  readonly #chunks: AsyncGenerator<SourceEvent[]>;
  #events: SourceEvent[] = [];
  #read = 0;
  #unread: SnapshotFailure | undefined;

  constructor(places: Places, read: (signal: AbortSignal) => AsyncGenerator<SourceEvent[]>) {
    this.#places = places;
    this.#chunks = read(this.#ending.signal);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SourceEvent>> {
    while (this.#read === this.#events.length) if (!(await this.#more())) return { done: true, value: undefined };
    if (this.#unread) throw this.#unread;
    return { done: false, value: this.#events[this.#read++]! };
  }

  /** @returns whether there are more: false at the end */
  async #more(): Promise<boolean> {
    if (this.#unread) throw this.#unread;
    this.#places.reads(this);
    try {
      const { done, value = [] } = await this.#chunks.next();
      this.#events = value as SourceEvent[];
      this.#read = 0;
      if (done) this.#places.leave(this);
      else this.#places.waits(this);
      return !done;
    } catch (error) {
      this.#places.leave(this);
      throw error;
    }
  }

  async return(): Promise<IteratorResult<SourceEvent>> {
    this.#places.leave(this);
    this.#ending.abort();
    // Not awaited: it would wait for what the snapshot server still has to say.
    void this.#chunks.return(undefined).catch(() => {});
    return { done: true, value: undefined };
  }

  /** Gives its place to another one, as its client does not read. */
  giveWay(): void {
    this.#unread = new SnapshotFailure('SNAPSHOT_UNREAD', 'the client did not read on, and others needed its place');
    void this.return();
  }
}

/**
 * The answers that are open. The server of streams lets so many run at once, but one whose client does not read is none of
 * those, and holds a connection of the snapshot server: when there are too many, the one that was read longest ago gives way.
 */
class Places {
  readonly #most: number;
  readonly #open = new Set<Answer>();
  /** Those whose clients have events to read, in the order in which they got them. */
  readonly #waiting = new Set<Answer>();

  constructor(most: number) {
    this.#most = most;
  }

  reads(answer: Answer): void {
    this.#waiting.delete(answer);
    this.#open.add(answer);
    if (this.#open.size > this.#most) this.#waiting.values().next().value?.giveWay();
  }

  waits(answer: Answer): void {
    if (this.#open.has(answer)) this.#waiting.add(answer);
  }

  leave(answer: Answer): void {
    this.#waiting.delete(answer);
    this.#open.delete(answer);
  }
}
