import { createSSEClient } from '../client/client.js';
import { isSeen } from '../client/position.js';
import type { SSEClient, SSEClientOptions } from '../client/types.js';
import type { SSEHookOptions } from './options.js';

/** Options whatever the types of their data. */
// biome-ignore lint/suspicious/noExplicitAny: a connection carries text, which each of its users decodes
export type AnyOptions = SSEHookOptions<any, any, any>;

/** Who uses a connection, with its newest options. */
export interface ConnectionUser {
  readonly options: AnyOptions;
  /** Its connection brings nothing any more that another does not: see {@link hasMet}. */
  move(): void;
}

interface Connection {
  key: string;
  client: SSEClient;
  users: Set<ConnectionUser>;
  /** Whether a snapshot is coming: who has not heard its beginning must not hear the rest. */
  busy: boolean;
}

/** The connections of this page that somebody uses and that have not ended. */
const connections = new Set<Connection>();
/** Keys of connections on which a snapshot has come: who has no position needs one of its own there. */
const withSnapshots = new Set<string>();

/** The options of the connection that are compared by value. */
function valuesOf(options: AnyOptions) {
  const {
    enabled,
    events,
    reduce,
    initial,
    onReset,
    onSnapshot,
    onError,
    codec,
    createClient,
    lastEventId,
    ...client
  } = options;
  const { headers, fetch, storage, logger, ...values } = client;
  return values;
}

function resolved(url: string): string {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch {
    // The client refuses it, and says why.
    return url;
  }
}

/**
 * Tells connections apart, as text. Functions and storages are equal where both are given: they are seldom the same
 * objects from one rendering to the next.
 */
export function connectionKey(url: string, options: AnyOptions): string {
  const { headers, fetch, storage, logger, createClient } = options;
  return JSON.stringify([
    resolved(url),
    typeof headers === 'function' || [...new Headers(headers)],
    [fetch, storage, logger, createClient].map(Boolean),
    Object.entries(valuesOf(options)).sort(),
  ]);
}

function open(url: string, key: string, first: ConnectionUser, from: string | undefined): Connection {
  const users = new Set<ConnectionUser>();
  const newest = (): AnyOptions => ([...users].at(-1) ?? first).options;
  const { headers, fetch, storage, logger, createClient = createSSEClient } = first.options;
  const client = createClient({
    ...valuesOf(first.options),
    endpoint: url,
    lastEventId: from,
    headers:
      typeof headers === 'function'
        ? () => {
            const { headers } = newest();
            return typeof headers === 'function' ? headers() : headers;
          }
        : headers,
    fetch: fetch && ((input, init) => newest().fetch!(input, init)),
    storage: {
      getItem: (key) => storage?.getItem(key) ?? null,
      setItem(key, id) {
        storage?.setItem(key, id);
        meet();
      },
    },
    logger: logger && ((...args) => newest().logger!(...args)),
  } as SSEClientOptions);
  const connection: Connection = { key, client, users, busy: false };
  // Whichever of two connections moves, by a message or a heartbeat, may be the one that reaches the other.
  const meet = (): void => {
    if (connections.size < 2) return;
    for (const one of connections) if (one.key === key && hasMet(one.client)) for (const user of one.users) user.move();
  };
  client.onSnapshot(({ complete }) => {
    connection.busy = !complete;
    withSnapshots.add(key);
  });
  // After a snapshot that was cut: another begins, or none comes.
  client.onReset(() => (connection.busy = false));
  // Who comes after its end begins another.
  client.onStateChange((state) => state === 'closed' && connections.delete(connection));
  connections.add(connection);
  return connection;
}

/**
 * Joins the connection of the user's options, or makes one, which is not connected yet.
 *
 * @param from - where to go on. A connection that stands beyond it will not do: what lies between would be missing. What comes
 * again of one that stands before it is for the user to skip. Undefined: wherever the connection stands, or with a snapshot where
 * the server sends them.
 * @returns the client, and its release: the last one closes it
 * @throws SSEError INVALID_OPTION
 */
export function acquire(url: string, user: ConnectionUser, from: string | undefined): [SSEClient, () => void] {
  const key = connectionKey(url, user.options);
  const fits = (one: Connection): boolean =>
    one.key === key &&
    !one.busy &&
    (from === undefined ? !withSnapshots.has(key) || isNew(one) : isAtOrBefore(one.client, from));
  const connection = [...connections].find(fits) ?? open(url, key, user, from);
  const { client, users } = connection;
  users.add(user);
  const release = (): void => {
    users.delete(user);
    if (users.size) return;
    connections.delete(connection);
    client.close();
  };
  return [client, release];
}

/** Whether whatever the connection brings is still to come. */
const isNew = ({ client }: Connection): boolean => !client.lastEventId;

const isAtOrBefore = ({ lastEventId }: SSEClient, position: string): boolean =>
  lastEventId === position || isSeen(lastEventId, position);

/**
 * Whether an older connection of the same key stands where this one stands, or before: it brings everything that this one
 * will bring. Their positions need never be equal: heartbeats come at different times.
 */
export function hasMet(client: SSEClient): boolean {
  const mine = [...connections].find((one) => one.client === client);
  for (const { key, client: other, busy } of connections) {
    if (other === client) return false;
    if (key === mine?.key && !busy && other.state === 'open' && isAtOrBefore(other, client.lastEventId)) return true;
  }
  return false;
}
