import type { SSEError } from '../errors.js';
import type { SSEMessage } from '../protocol/event.js';
import { createSSEClient } from './client.js';
import { isSeen } from './position.js';
import { lower, type Step } from './shared-place.js';
import type { SSEClient, SSEClientOptions, SSEClientState } from './types.js';

/** What a tab says to the leader. */
export type Wish =
  /** Its position: it has joined, it was asked, or it needs the stream again from there. */
  | { type: 'here'; position: string }
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
 * @param own - the position of the leader's own tab
 * @param others - how many other tabs there are
 * @param post - takes what every tab is to hear
 */
export function lead(
  options: SSEClientOptions,
  own: string,
  others: Promise<number>,
  post: (notice: Notice) => void,
): Leader {
  let client: SSEClient | undefined;
  let position = own;
  let closed = false;
  let answers = 0;
  let answered = () => {};

  const step = (id: string, rest: Pick<Step, 'reset'> & { message?: SSEMessage }): void => {
    const previous = position;
    position = id;
    post({ type: 'step', previous, id, ...rest });
  };

  const start = (): void => {
    const before = client;
    const mine = createSSEClient({
      ...options,
      lastEventId: position,
      // It is told of positions that come without a message too.
      storage: {
        getItem: () => null,
        setItem: (_key, id) => {
          if (client === mine && id !== position) step(id, {});
        },
      },
    });
    client = mine;
    before?.close();
    // For those that have joined meanwhile and stand nowhere yet: a server that confirms the position makes no step.
    if (position) post({ type: 'at', position });
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
    mine.onMessage((message) => client === mine && step(message.id, { message }));
    mine.connect();
  };

  const begin = async (): Promise<void> => {
    const expected = await others;
    if (expected > answers)
      await new Promise<void>((resolve) => {
        setTimeout(resolve, ANSWER_MS);
        answered = () => answers >= expected && resolve();
      });
    if (!closed) start();
  };
  post({ type: 'who' });
  void begin();

  return {
    hear(wish) {
      if (wish.type === 'now') return client?.connect();
      if (!client) {
        answers++;
        position = lower(position, wish.position);
        answered();
      } else if (wish.position && wish.position !== position && !isSeen(position, wish.position)) {
        position = wish.position;
        start();
      } else {
        post({ type: 'at', position });
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
