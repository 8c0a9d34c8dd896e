import { SSEError } from '../errors.js';
import type { CodecFor, Untyped } from '../protocol/codec.js';
import type { SSEMessage } from '../protocol/event.js';
import { createSSEClient } from './client.js';
import { createListeners, OPEN, RESET, SNAPSHOT, STATE } from './listeners.js';
import { createLoops } from './loops.js';
import { isOnce } from './reconnect.js';
import { storageKey } from './request.js';
import { type ErrorNotice, type Leader, lead, type Notice, type Wish } from './shared-leader.js';
import { place } from './shared-place.js';
import type { SSEClient, SSEClientOptions, SSEClientState, SSESnapshotNotice } from './types.js';
import { onWake } from './wake.js';

/** A tab whose loops hold so many messages takes no more until they have none; then the stream is read again for it. */
const HELD_LIMIT = 1_024;

/**
 * Whether it is known whose the events are. A cookie says it to the server only, and what a function of headers will say is not
 * known before.
 */
const isShareable = ({
  identity,
  credentials,
  headers,
}: Pick<SSEClientOptions, 'identity' | 'credentials' | 'headers'>): boolean =>
  !!identity || (credentials === 'omit' && typeof headers !== 'function');

/**
 * A client whose connection is shared by every tab of the same origin that has one for the same URL and `identity`: one tab leads and
 * holds it, and when that tab is closed or crashes another takes over. Each tab receives every event once and in order,
 * or a reset, as it would over a connection of its own; state and errors are those of the connection.
 *
 * Tabs share only what is the same for all of them. Scripts cannot see whom a cookie signs in, so `identity` has to say whose the
 * events are: a user's or a session's id, or one word for everybody where all get the same. Without it a tab has a connection of
 * its own, unless no cookie goes along (`credentials: 'omit'`) and `headers` is no function; then tabs with equal headers share.
 *
 * The connection is made with the options of the tab that leads, so they have to be the same in all tabs; `storage`,
 * `signal`, `codec` and `logger` are each tab's own. Order across tabs is known by tinysse cursors: with another server's ids,
 * a change of the leader may repeat an event. Where the runtime has no Web Locks (they need a secure context) or no
 * BroadcastChannel, and where the request may be sent once only, every tab has a connection of its own.
 *
 * @param options - as of `createSSEClient`
 * @throws SSEError INVALID_OPTION
 * @example
 * const shared = createSharedSSEClient({ endpoint: '/events', identity: user.id });
 * shared.onMessage((message) => console.log(message.data));
 * shared.connect();
 */
export function createSharedSSEClient<Events extends object = Untyped>(
  options: SSEClientOptions<Events> & CodecFor<Events>,
): SSEClient<Events> {
  const alone = createSSEClient<Events>(options);
  const locks = globalThis.navigator?.locks;
  if (!locks || !globalThis.BroadcastChannel || isOnce(options) || !isShareable(options)) return alone;

  const { storage, signal, codec: _codec, logger: _logger, ...connection } = options;
  const url = new URL(options.endpoint, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  const key = storageKey(url, options.identity);
  // With an identity, headers may be as new as their tab.
  const name = options.identity ? key : `${key} ${JSON.stringify([...new Headers(options.headers as HeadersInit)])}`;
  let position = alone.lastEventId;
  let state: SSEClientState = 'closed';
  /** The position from which the stream has been asked for again. */
  let asked: string | undefined;
  /** Whether the server is known to send snapshots. */
  let snapshots = false;
  /** The snapshot that this tab is taking, of which it has so many messages. */
  let taking: { snapshot: number; reason: SSESnapshotNotice['reason']; parts: number } | undefined;
  /** How many messages the loops may hold by now, and whether some were not taken because of that. */
  let held = 0;
  let missed = false;
  let leader: Leader | undefined;
  let say = (_: Wish | Notice) => {};
  let leave = () => {};

  const [hearing, run, emit, report, tell] = createListeners<Events>(options);

  const setState = (next: SSEClientState): void => {
    if (state === next) return;
    emit(STATE, (state = next));
    if (next === 'open') emit(OPEN);
  };
  const rebuilt = ({ code, message, ...details }: ErrorNotice): SSEError => new SSEError(code, message, details);
  const finish = (error?: SSEError): void => {
    leave();
    setState('closed');
    loops.end(error);
    if (error) report(error);
  };
  const abort = (): void =>
    finish(new SSEError('ABORTED', 'the signal was aborted', { cause: signal?.reason, willRetry: false }));
  const save = (id = position, loop?: object): void => {
    if (storage && loops.idle(loop)) run(() => storage.setItem(key, id));
  };

  /** To the leader, which may be this tab. */
  const wish = (wanted: Wish): void => {
    if (leader) leader.hear(wanted);
    else say(wanted);
  };
  /** Where this tab stands: nowhere while it has a part of a snapshot. */
  const here = () => ({ type: 'here' as const, position: taking ? '' : position, snapshots });
  const ask = (): void => {
    const wanted = here();
    if (asked === wanted.position) return;
    asked = wanted.position;
    wish(wanted);
  };

  const push = (received: SSEMessage): void => {
    const message = tell(received);
    if (!message) return;
    loops.push(message);
    held++;
  };
  const begin = ({ snapshot, reason }: Notice & { type: 'begin' }): void => {
    snapshots = true;
    missed = false;
    asked = undefined;
    taking = { snapshot, reason, parts: 0 };
    emit(SNAPSHOT, { reason, complete: false });
  };
  /** Another's snapshot, or one of which a message is missing, is none. */
  const takePart = ({ snapshot, n, message }: Notice & { type: 'part' }): void => {
    snapshots = true;
    if (taking?.snapshot !== snapshot || taking.parts !== n) return;
    taking.parts++;
    push(message);
  };
  /** What comes while this tab has a part of a snapshot. */
  const finishSnapshot = ({ id, reset, whole }: Notice & { type: 'step' }): void => {
    const { snapshot, reason, parts } = taking!;
    if (reset) return emit(RESET, reset);
    if (whole?.snapshot !== snapshot || whole.parts !== parts) return ask();
    taking = undefined;
    position = id;
    emit(SNAPSHOT, { reason, complete: true });
    save();
  };
  /** The rest of the snapshot does not come, nor another: the tab goes on with the stream. */
  const giveUp = ({ previous, id, reset }: Notice & { type: 'step' }): void => {
    const lastEventId = position;
    taking = asked = undefined;
    position = previous;
    if (!reset) emit(RESET, { reason: 'unknown', lastEventId, resumedAt: id });
  };
  const take = (notice: Notice & { type: 'step' }): void => {
    if (loops.idle()) held = 0;
    snapshots = !notice.none && (snapshots || !!notice.snapshots);
    if (notice.whole) asked = undefined;
    if (taking && notice.none) giveUp(notice);
    if (taking) return finishSnapshot(notice);
    missed ||= held >= HELD_LIMIT;
    if (missed) return;
    const placing = place(position, notice);
    if (placing === 'skip') return;
    if (placing === 'ask') return ask();
    position = placing.position;
    const { reset } = notice;
    if (reset) emit(RESET, reset);
    if (notice.message) push(notice.message);
    save();
  };

  const hear = (notice: Notice): void => {
    if (notice.type === 'step') take(notice);
    else if (notice.type === 'begin') begin(notice);
    else if (notice.type === 'part') takePart(notice);
    else if (notice.type === 'who') wish(here());
    else if (notice.type === 'at') position ||= notice.position;
    else if (notice.type === 'error') report(rebuilt(notice.error));
    else if (notice.type === 'end') finish(notice.error && rebuilt(notice.error));
    else {
      // The stream is read anew, from where it was asked for by one tab or another.
      if (notice.state === 'connecting') asked = undefined;
      setState(notice.state);
    }
  };

  const join = (): void => {
    if (signal?.aborted) return abort();
    const channel = new BroadcastChannel(name);
    const leaving = new AbortController();
    const left = leaving.signal;
    const deafen = onWake(() => {
      if (state === 'waiting') wish({ type: 'now' });
    });
    say = (said) => channel.postMessage(said);
    leave = () => {
      leave = () => {};
      say = () => {};
      asked = undefined;
      missed = false;
      signal?.removeEventListener('abort', abort);
      leader?.close();
      leader = undefined;
      leaving.abort();
      deafen();
      channel.close();
    };
    signal?.addEventListener('abort', abort);
    channel.onmessage = ({ data }) => {
      const said = data as Wish | Notice;
      if (said.type !== 'here' && said.type !== 'now') hear(said);
      else leader?.hear(said);
    };
    const takeOver = async (): Promise<void> => {
      if (left.aborted) return;
      const others = locks.query().then(
        ({ pending }) => pending!.filter((request) => request.name === name).length,
        () => 0,
      );
      leader = lead(connection as SSEClientOptions, here(), others, (notice) => {
        if (left.aborted) return;
        channel.postMessage(notice);
        // A leader asks itself nothing: its own position it knows.
        if (notice.type !== 'who') hear(notice);
      });
      await new Promise((resolve) => left.addEventListener('abort', resolve));
    };
    setState('connecting');
    // Where locks are denied, to frames without an origin for one, nobody else listens either.
    locks.request(name, { signal: left }, takeOver).catch(takeOver);
    say(here());
  };

  const loops = createLoops(
    () => {
      if (state !== 'closed') return;
      join();
      return (live, last) => {
        if (live) finish();
        if (last !== undefined && state === 'closed') position = last;
      };
    },
    (id, loop) => {
      save(id, loop);
      if (!missed || !loops.idle()) return;
      missed = false;
      ask();
    },
  );

  return {
    ...hearing,
    connect() {
      if (state === 'closed') join();
      else if (state === 'waiting') wish({ type: 'now' });
    },
    close: () => finish(),
    get state() {
      return state;
    },
    get lastEventId() {
      return position;
    },
    [Symbol.asyncIterator]: loops.open as SSEClient<Events>[typeof Symbol.asyncIterator],
  };
}
