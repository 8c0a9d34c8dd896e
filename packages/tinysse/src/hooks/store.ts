import { decoded } from '../client/decoded.js';
import { isSeen } from '../client/position.js';
import type { SSEClient, SSEClientState } from '../client/types.js';
import type { SSEError } from '../errors.js';
import { type AnyOptions, acquire, connectionKey, hasMet } from './connections.js';
import type { SSESnapshot } from './options.js';

/** What one component has of a stream: the part of a hook that knows no framework. */
export interface HookStore<Data> {
  /** What was there before any connection, as on a server. */
  readonly initial: SSESnapshot<Data>;
  /** What there is now: the same object until listeners are told of another. */
  snapshot(): SSESnapshot<Data>;
  /** Connects with the first listener. When the last one has been gone for a turn of the event loop, the connection is left. */
  subscribe(listener: () => void): () => void;
  /** Takes newer options: connects, leaves or moves when it has to. */
  use(options: AnyOptions): void;
  /** Leaves the connection, until `enabled` is turned off and on again. */
  close(): void;
}

/**
 * Reduces the messages of one URL at once, and tells of the result at the end of the turn. Makes no connection before
 * somebody subscribes.
 */
export function createHookStore<Data>(url: string, options: AnyOptions): HookStore<Data> {
  const user = { options, move: () => change() };
  const listeners = new Set<() => void>();
  const isEnabled = (): boolean => user.options.enabled ?? true;
  /** What everything begins with: messages, and snapshots. */
  let first = options.initial as Data;
  let data = first;
  /** What is shown while a snapshot is coming: the data before it. */
  let whole: { data: Data } | undefined;
  let status: SSEClientState = isEnabled() ? 'connecting' : 'closed';
  let error: SSEError | undefined;
  /** Where to go on: the position at which the last connection was left. */
  let position = '';
  /** Up to here it has seen everything: of a connection that stands before, it skips the rest. */
  let seen = '';
  let closed = false;
  let client: SSEClient | undefined;
  let key: string | undefined;
  let leave = () => {};
  let telling = false;
  let leaving: ReturnType<typeof setTimeout> | undefined;
  let snapshot: SSESnapshot<Data> = { data, status, error, lastEventId: options.lastEventId ?? '' };
  const initial = snapshot;

  const reached = (joined: SSEClient): string => (isSeen(joined.lastEventId, seen) ? seen : joined.lastEventId);
  const refresh = (): void => {
    snapshot = { data: (whole ?? { data }).data, status, error, lastEventId: client ? reached(client) : position };
  };
  /** Tells of a change, once in a turn however many there are. */
  const change = (): void => {
    if (telling) return;
    telling = true;
    setTimeout(() => {
      telling = false;
      // One that was behind goes on with the others when it has caught up.
      if (client && hasMet(client)) {
        leave();
        settle();
      }
      refresh();
      for (const listener of listeners) listener();
    });
  };
  const replace = (next: Data): void => {
    data = next;
    change();
  };
  const report = (problem: SSEError): void => {
    error = problem;
    change();
    user.options.onError?.(problem);
  };

  /** A part of a snapshot is of no use when the rest does not come. */
  const dropPart = (): void => {
    if (whole) ({ data } = whole);
    whole = undefined;
  };

  const join = (): void => {
    const from = position || user.options.lastEventId;
    const [joined, release] = acquire(url, user, from);
    // Of a connection that stands there all is new, also what has no id of its own and comes with that position.
    seen = joined.lastEventId === from ? '' : (from ?? '');
    client = joined;
    key = connectionKey(url, user.options);
    const off = [
      // A message that is on its way when the connection is left still counts: the position is behind it.
      joined.onMessage((received) => {
        const { events, codec, reduce, logger } = user.options;
        if (!whole && isSeen(received.id, seen)) return;
        if (events && !events.includes(received.event)) return;
        const message = decoded(codec, received, (problem) => {
          logger?.('tinysse:', problem);
          report(problem);
        });
        if (!message) return;
        replace(reduce ? reduce(data, message) : (message.data as Data));
      }),
      joined.onReset((reset) => {
        dropPart();
        seen = '';
        change();
        user.options.onReset?.(reset, replace);
      }),
      joined.onSnapshot((notice) => {
        if (notice.complete) {
          whole = undefined;
          seen = '';
        } else {
          whole ??= { data };
          data = first;
        }
        change();
        user.options.onSnapshot?.(notice);
      }),
      joined.onError((problem) => client === joined && report(problem)),
      joined.onStateChange((next) => {
        if (client !== joined) return;
        status = next;
        if (next === 'open') error = undefined;
        change();
      }),
    ];
    leave = () => {
      leave = () => {};
      position = reached(joined);
      // The position is still that of the data before it.
      dropPart();
      client = undefined;
      key = undefined;
      status = 'closed';
      for (const undo of off) undo();
      release();
      change();
    };
    if (joined.state === 'closed') joined.connect();
    status = joined.state;
    if (status === 'open') error = undefined;
    refresh();
  };
  /** Makes what is so what is wanted. */
  const settle = (): void => {
    const wanted = isEnabled() && !closed && listeners.size > 0;
    if (client && !(wanted && key === connectionKey(url, user.options))) leave();
    if (wanted && !client) join();
  };

  return {
    initial,
    snapshot: () => snapshot,
    subscribe(listener) {
      // Its own, so that one function may subscribe twice.
      const entry = () => listener();
      listeners.add(entry);
      clearTimeout(leaving);
      settle();
      return () => {
        listeners.delete(entry);
        // A component that is mounted twice, or replaced by another of the same URL, must not reconnect.
        if (!listeners.size) leaving = setTimeout(settle);
      };
    },
    use(next) {
      // Another user's data is not for this one.
      const isOther = next.identity !== user.options.identity;
      if (isOther) leave();
      user.options = next;
      if (isOther) {
        position = '';
        error = undefined;
        first = next.initial as Data;
        replace(first);
      }
      if (!isEnabled()) closed = false;
      settle();
    },
    close() {
      closed = true;
      settle();
    },
  };
}
