import type { SSEError } from '../errors.js';
import type { Codec, Untyped } from '../protocol/codec.js';
import type { MessageOf, SSEMessage } from '../protocol/event.js';

/**
 * What a client is doing: `'closed'` nothing, `'connecting'` waiting for an answer, `'open'` reading the stream,
 * `'waiting'` until it connects again.
 */
export type SSEClientState = 'closed' | 'connecting' | 'open' | 'waiting';

/** The server's word that events may be missing. */
export interface SSEReset {
  /** `'evicted'`: kept no longer; `'epoch'`: the log lost its past; `'unknown'`: the server cannot place the cursor. */
  reason: 'evicted' | 'epoch' | 'unknown';
  /** The cursor that could not be continued. */
  lastEventId: string;
  /** Up to here events may be missing; after it none is. */
  resumedAt: string;
}

/** The server's word on a snapshot: the present state, as messages between two of these. */
export interface SSESnapshotNotice {
  /** Why it comes: `'start'`: the client had no position; else the reason of the gap that it stands in for. */
  reason: 'start' | SSEReset['reason'];
  /** False: it begins, and replaces all that was built before. True: every message of it has come. */
  complete: boolean;
}

/** Where a client keeps its cursor; `sessionStorage` is one. */
export interface SSEStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/**
 * Headers of a request, as `fetch` takes them. Not `HeadersInit`, which only the DOM's types declare: types of Node have
 * no such global.
 */
export type RequestHeaders = Headers | Record<string, string> | [name: string, value: string][];

/** How to reach a stream and how to keep it. Times are in milliseconds. */
export interface SSEClientOptions<Events extends object = Untyped> {
  /** Where the stream is: `http:` or `https:`, without a password. In a browser it may be relative to the page. */
  endpoint: string | URL;
  /**
   * The wait before the first reconnect, at least 1; the server's `retry:` takes its place, from 100 up to 300,000. Default:
   * 1,000. A wait ends when the network is there again or the page is seen again, but not before the server's `retry:` or
   * `Retry-After` has passed.
   */
  retryInterval?: number;
  /** While attempts bring nothing, the waits double up to this. Default: 30,000. */
  maxRetryDelay?: number;
  /**
   * Give up after so many reconnects in a row without a stream that brought a message or was open for 5 s; 0: never.
   * Default: 0.
   */
  maxReconnectAttempts?: number;
  /** Default: GET. Any other is sent once, unless `resend` is true. */
  method?: string;
  /**
   * Whether a request other than GET and HEAD is sent again when its stream has ended or failed. If not, that ends the
   * client with NOT_RESENT: the server may have done what the request asks for. Default: false.
   */
  resend?: boolean;
  /** Sent with every attempt, so it must be one that can be sent again. */
  body?: string | Uint8Array | FormData | URLSearchParams;
  /**
   * Headers of every attempt. A function is called for each, and once more when the server answers 401. Redirects do not
   * take them to another origin, nor the cursor or the body, unless the runtime is a browser and that origin allows it (CORS).
   */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
  /** As in `fetch`. */
  credentials?: 'omit' | 'same-origin' | 'include';
  /**
   * Whose events these are, such as a user's id. Streams of another identity share nothing with this one: no connection of
   * tabs or components, and no cursor in `storage`. `createSharedSSEClient` needs it where cookies say who asks, hooks where
   * another user may sign in without a page load. It is not sent.
   */
  identity?: string | undefined;
  /**
   * How long the answer's headers may take, `headers()` included; 0: for ever. In Firefox, which does not show the headers of
   * a stream before its first byte, the stream then counts as open. Default: 15,000.
   */
  connectTimeoutMs?: number;
  /**
   * Reconnect when no byte has come for so long; 0: never. Default: 2.5 times the heartbeat that the server announces; where
   * it has announced none, 37,500 if the cursor is one of tinysse, else 0.
   */
  idleTimeoutMs?: number;
  /** Start after this event, or at `'earliest'`. It goes before what `storage` holds. */
  lastEventId?: string;
  /**
   * Keeps the cursor over page loads, under a key made of the URL and `identity`. It is written after the listeners have
   * returned and, of a `for await` loop, when the loop asks for the next message: what was not handled comes again. It keeps
   * neither messages nor what was made of them, nor a reset that nobody heard: after a page load the stream goes on, and
   * what was there before has to come from elsewhere. So a page that lives by snapshots has no `storage`.
   */
  storage?: SSEStorage;
  /** Makes data of the text of every message: `json`, `typed({ … })` or your own. Default: data is the text. */
  // biome-ignore lint/suspicious/noExplicitAny: what goes into the codec is the server's affair
  codec?: Codec<Events, any>;
  /** Default: the global one. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Ends the client for good, with an ABORTED error. */
  signal?: AbortSignal;
  /** Gets every error, those that listeners throw too. Without one, these are thrown on as uncaught errors. */
  logger?: (...args: unknown[]) => void;
}

/**
 * A connection to a stream of events that outlives its connections. `Events` are the types of the events' data by the
 * events' names, which a codec vouches for.
 */
export interface SSEClient<Events extends object = Untyped> extends AsyncIterable<MessageOf<Events>> {
  /** Every message, named or not. As of every `on…`: the returned function takes the listener off again. */
  onMessage(listener: (message: MessageOf<Events>) => void): () => void;
  /** Messages of one name; `'message'` for those that have none. */
  on<Name extends keyof Events & string>(
    event: Name,
    listener: (message: SSEMessage<Name, Events[Name]>) => void,
  ): () => void;
  /** Events may be missing here: reload what was built from them. */
  onReset(listener: (reset: SSEReset) => void): () => void;
  /**
   * Called when a snapshot begins (`complete: false`): forget what was built; its messages follow. Called again when it is complete.
   * One that is cut half-way is not completed: it begins anew on the next connection. Until it is complete `lastEventId` and `storage`
   * stay as they were.
   */
  onSnapshot(listener: (snapshot: SSESnapshotNotice) => void): () => void;
  /** A failed attempt, a lost stream, or data that the codec refused (VALIDATION); `error.willRetry` says whether the client goes on by itself. */
  onError(listener: (error: SSEError) => void): () => void;
  /** A stream has been opened, for the first time or again. */
  onOpen(listener: () => void): () => void;
  onStateChange(listener: (state: SSEClientState) => void): () => void;
  /** Connects, at once if it waits to; does nothing when it is connecting or open. */
  connect(): void;
  /** Ends the connection. No listener sees a message afterwards; `connect()` goes on after the last one. */
  close(): void;
  readonly state: SSEClientState;
  /** The cursor: the id of the last message, or where the server said that the stream stands. Empty at first. */
  readonly lastEventId: string;
  /**
   * Connects if it is closed, and gives the messages from then on. The stream is read only as fast as the loop takes
   * them; none is dropped. Ends on `close()` or when the server answers 204, after what had been read; throws the
   * error that ended the client. Leaving a loop closes the client if the loop connected it; the next one goes on
   * after the last message that this one took.
   */
  [Symbol.asyncIterator](): AsyncGenerator<MessageOf<Events>, void, void>;
}
