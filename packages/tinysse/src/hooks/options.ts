import type { createSSEClient } from '../client/client.js';
import type { SSEClientOptions, SSEClientState, SSEReset, SSESnapshotNotice } from '../client/types.js';
import type { SSEError } from '../errors.js';
import type { CodecFor, Untyped } from '../protocol/codec.js';
import type { MessageOf } from '../protocol/event.js';

/** Names of events of a map. */
export type NameOf<Events> = keyof Events & string;

/**
 * What a hook takes beside the URL: a client's options, and what is made of its messages. Functions may be others at
 * each render: the newest is called, and nothing connects again because of it.
 */
export interface SSEHookOptions<
  Events extends object = Untyped,
  Name extends NameOf<Events> = NameOf<Events>,
  Data = Events[Name] | undefined,
> extends Omit<SSEClientOptions<Events>, 'endpoint' | 'body' | 'signal'> {
  /** Whether to be connected. While it is not, `data` stays; afterwards the stream goes on where it was. Default: true. */
  enabled?: boolean | undefined;
  /** Take only events of these names; `message` for those that have none. Default: all. */
  events?: readonly Name[] | undefined;
  /**
   * Makes the next data of the data and a message. It sees every message, in order, also those that no rendering shows
   * by itself. Must not change the data it is given. Default: the data is that of the last message.
   */
  reduce?: ((data: Data, message: MessageOf<Pick<Events, Name>>) => Data) | undefined;
  /** The data before the first message, at the beginning of a snapshot, and on the server. Only the first rendering's counts. */
  initial?: Data | undefined;
  /**
   * Events may be missing here: reload what was built from them. `replace` gives the data that the messages after it
   * are reduced onto.
   */
  onReset?: ((reset: SSEReset, replace: (data: Data) => void) => void) | undefined;
  /**
   * A snapshot of the present state begins, or is complete. `data` needs no care: at its beginning it starts again from `initial`, and
   * it is shown when the snapshot is complete.
   */
  onSnapshot?: ((snapshot: SSESnapshotNotice) => void) | undefined;
  /** Every error, when it comes; `error` has the last one of a rendering. */
  onError?: ((error: SSEError) => void) | undefined;
  /** As of `createSSEClient`. */
  body?: string;
  /** Makes the client. With `createSharedSSEClient` all tabs have one connection. Default: `createSSEClient`. */
  createClient?: typeof createSSEClient | undefined;
}

/**
 * What options need beside: a codec unless all data is text, `reduce` where the data is not a message's, and `initial`
 * where it may not be undefined.
 */
export type HookNeeds<Events, Name extends NameOf<Events>, Data> = CodecFor<Events> &
  ([Events[Name]] extends [Data] ? unknown : { reduce: object }) &
  (undefined extends Data ? unknown : { initial: Data });

/** What a stream has come to. It is never changed: a later state is another object. */
export interface SSESnapshot<Data> {
  readonly data: Data;
  /** Of the connection; `'connecting'` also before the first attempt, and on the server. */
  readonly status: SSEClientState;
  /** What last went wrong, until a stream is opened again. */
  readonly error: SSEError | undefined;
  /** The cursor: the id of the last message, or where the server said that the stream stands. */
  readonly lastEventId: string;
}
