/** A server with a name, and how to give it what a later call with that name asks for. */
export interface Named<Server, Options> {
  readonly server: Server;
  readonly update: (options: Options) => void;
}

/** What is known of a process's servers, however many copies of this module a bundler or a reload has made. */
interface Registry {
  readonly named: Map<string, Named<unknown, unknown>>;
  /** Open servers without a name. */
  unnamed: number;
  /** Whether somebody has been told of a second one. */
  told: boolean;
}

type Runtime = { process?: { env?: Record<string, string | undefined> } } & Record<symbol, Registry | undefined>;

const KEY = Symbol.for('tinysse.servers');

function registry(): Registry {
  const runtime = globalThis as unknown as Runtime;
  runtime[KEY] ??= { named: new Map(), unnamed: 0, told: false };
  return runtime[KEY];
}

const isDevelopment = (): boolean => (globalThis as unknown as Runtime).process?.env?.NODE_ENV === 'development';

const SECOND_SERVER =
  'createSSEServer was called a second time in this process. If that was a hot reload or a second bundle of the same module, ' +
  'streams of the first server do not get what the second one publishes. Give the server a name, ' +
  "createSSEServer({ name: 'events', … }): every call with that name gets the same server. " +
  'If you want several servers, give each its own name.';

/**
 * The open server of a name, updated, or a new one.
 * @returns the server; it is forgotten when `closed` is called
 */
export function namedServer<Server, Options>(
  name: string,
  options: Options,
  create: (closed: () => void) => Named<Server, Options>,
): Server {
  const { named } = registry();
  let known = named.get(name) as Named<Server, Options> | undefined;
  if (known) known.update(options);
  else {
    const created = create(() => {
      // Closed a second time, it must not take its successor away.
      if (named.get(name) === created) named.delete(name);
    });
    known = created;
    named.set(name, created as Named<unknown, unknown>);
  }
  return known.server;
}

/** Counts a server without a name; in development, tells once that it is the second one. @returns to be called at its end */
export function unnamedServer(tell: (message: string) => void): () => void {
  const known = registry();
  if (known.unnamed++ > 0 && !known.told && isDevelopment()) {
    known.told = true;
    tell(SECOND_SERVER);
  }
  let open = true;
  return () => {
    if (open) known.unnamed--;
    open = false;
  };
}
