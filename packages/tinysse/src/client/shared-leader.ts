import type { SSEError } from '../errors.js';
import type { SSEMessage } from '../protocol/event.js';
import { createSSEClient } from './client.js';
import { isSeen } from './position.js';
import { lower, type Step } from './shared-place.js';
import type { SSEClient, SSEClientOptions, SSEClientState, SSESnapshotNotice } from './types.js';

/** What a tab says to the leader. */
export type Wish =
  /**
   * Its position: it has joined, it was asked, or it needs the stream again from there. Empty: it stands nowhere, or has only a part
   * of a snapshot. Beside it, whether it knows that the server sends snapshots.
   */
  | { type: 'here'; position: string; snapshots: boolean }
  /** It does not want to wait for the next attempt. */
  | { type: 'now' };

/** An error as it travels between tabs. */
export type ErrorNotice = Pick<SSEError, 'code' | 'message' | 'status' | 'attempt' | 'willRetry'>;

/** What the leader says to every tab, its own included. */
export type Notice =
  /** A leader is new: say where you stand. */
  | { type: 'who' }
  | { type: 'state'; state: SSEClientState }
  /** The stream stands at this position: a tab that has none starts here. */
  | { type: 'at'; position: string }
  | ({ type: 'step'; message?: SSEMessage } & Step)
  /** A snapshot begins: a tab that hears this takes all of it, wherever it stands. Another is another `snapshot`. */
  | { type: 'begin'; snapshot: number; reason: SSESnapshotNotice['reason'] }
  /** The `n`-th message of a snapshot. */
  | { type: 'part'; snapshot: number; n: number; message: SSEMessage }
  | { type: 'error'; error: ErrorNotice }
  /** The stream is over for all. */
  | { type: 'end'; error: ErrorNotice | undefined };

/** The tab's part that holds the connection. */
export interface Leader {
  hear(wish: Wish): void;
  close(): void;
}

/** So long a new leader waits for the other tabs to say where they stand: a frozen one does not answer. */
const ANSWER_MS = 500;

/**
 * Holds the one connection of all tabs, and tells them what comes.
 *
 * @param options - of the connection
 * @param own - where the leader's own tab stands
 * @param others - how many other tabs there are
 * @param post - takes what every tab is to hear
 */
export function lead(
  options: SSEClientOptions,
  own: Pick<Wish & { type: 'here' }, 'position' | 'snapshots'>,
  others: Promise<number>,
  post: (notice: Notice) => void,
): Leader {
  let client: SSEClient | undefined;
  let { position, snapshots } = own;
  /** Whether a tab stands nowhere. */
  let lost = !position;
  /** Whether a snapshot has been asked for, or runs: every tab that is here gets it. */
  let busy = false;
  /** Whether a connection without a position has brought no snapshot. It may have sent one after a gap, and others may say so. */
  let none = false;
  /** Whether this connection has begun without a position, and nothing has come yet. */
  let fresh = false;
  /** The snapshot that runs, and how many messages it has had. */
  let snapshot = 0;
  let parts = 0;
  let closed = false;
  let answers = 0;
  let answered = () => {};

  const step = (id: string, rest: Pick<Step, 'reset' | 'whole'> & { message?: SSEMessage }): void => {
    const previous = rest.whole ? id : position;
    position = id;
    // A reset without an id goes before its snapshot.
    if (!rest.reset) {
      busy = false;
      if (fresh) {
        none = true;
        snapshots = fresh = false;
      }
    }
    post({ type: 'step', previous, id, snapshots, none, ...rest });
  };

  /** @param from - where; empty: as a newcomer, who gets a snapshot where the server has them */
  const start = (from: string): void => {
    const before = client;
    position = from;
    busy = snapshots && !from;
    fresh = !from;
    const mine = createSSEClient({
      ...options,
      lastEventId: position,
      // It is told of positions that come without a message too.
      storage: {
        getItem: () => null,
        setItem: (_key, id) => {
          if (client === mine && id && id !== position) step(id, {});
        },
      },
    });
    client = mine;
    before?.close();
    if (!busy) standing();
    let fatal: ErrorNotice | undefined;
    mine.onStateChange((state) => {
      if (client !== mine) return;
      // The error that ended it comes after the state.
      if (state === 'closed') queueMicrotask(() => client === mine && post({ type: 'end', error: fatal }));
      else post({ type: 'state', state });
    });
    mine.onError(({ code, message, status, attempt, willRetry }) => {
      const error = { code, message, status, attempt, willRetry } as ErrorNotice;
      if (willRetry) post({ type: 'error', error });
      else fatal = error;
    });
    mine.onReset((reset) => client === mine && step(mine.lastEventId, { reset }));
    let running = false;
    mine.onSnapshot(({ reason, complete }) => {
      if (client !== mine) return;
      running = !complete;
      if (complete) return step(mine.lastEventId, { whole: { snapshot, parts } });
      busy = snapshots = true;
      none = fresh = false;
      snapshot = Math.random();
      parts = 0;
      post({ type: 'begin', snapshot, reason });
    });
    mine.onMessage((message) => {
      if (client !== mine) return;
      if (running) post({ type: 'part', snapshot, n: parts++, message });
      else step(message.id, { message });
    });
    mine.connect();
  };

  /** For those that have joined and stand nowhere yet: a server that confirms the position makes no step. */
  const standing = (): void => {
    if (position && !snapshots) post({ type: 'at', position });
  };

  const begin = async (): Promise<void> => {
    const expected = await others;
    if (expected > answers)
      await new Promise<void>((resolve) => {
        setTimeout(resolve, ANSWER_MS);
        answered = () => answers >= expected && resolve();
      });
    if (!closed) start(snapshots && lost ? '' : position);
  };
  post({ type: 'who' });
  void begin();

  /** Whether the stream has passed by what a tab at `wanted` is missing. */
  const needs = (wanted: string): boolean => (wanted ? wanted !== position && !isSeen(position, wanted) : snapshots);

  return {
    hear(wish) {
      if (wish.type === 'now') return client?.connect();
      snapshots ||= wish.snapshots && !none;
      if (!client) {
        answers++;
        lost ||= !wish.position;
        position = lower(position, wish.position);
        answered();
      } else if (!busy && needs(wish.position)) start(wish.position);
      else {
        standing();
        post({ type: 'state', state: client.state });
      }
    },
    close() {
      closed = true;
      const before = client;
      client = undefined;
      before?.close();
    },
  };
}
