/** `tinysse/svelte`: streams as Svelte stores. */
import type { Readable } from 'svelte/store';
import type { Untyped } from '../protocol/codec.js';
import type { HookNeeds, NameOf, SSEHookOptions, SSESnapshot } from './options.js';
import { createHookStore } from './store.js';

export type { SSEHookOptions, SSESnapshot } from './options.js';

/** A store of what a stream has come to. */
export interface SSEReadable<Data> extends Readable<SSESnapshot<Data>> {
  /** Turns the connection on or off, as the option does. */
  enable(enabled: boolean): void;
  /** Ends this store's part in the stream, until it is turned off and on again. */
  close(): void;
}

/**
 * A stream as a store, for Svelte 4 and 5: it connects while it has subscribers. All stores with the same URL and options
 * have one connection; one that joins later hears what comes from then on, unless it has a `lastEventId` or the server sends
 * snapshots: then it begins with one. For
 * another URL make another store: `$derived(useSSE(url))`. On a server nothing connects.
 *
 * @param url - where the stream is; in a browser it may be relative to the page
 * @param options - a client's, and what is made of the messages
 * @throws SSEError INVALID_OPTION, when it is subscribed to
 * @example
 * const events = useSSE('/events', { initial: 0, reduce: (count: number) => count + 1 });
 * // in the template: {$events.data} {$events.status}
 */
export function useSSE<
  Events extends object = Untyped,
  Name extends NameOf<Events> = NameOf<Events>,
  Data = Events[Name] | undefined,
>(
  url: string | URL,
  options: SSEHookOptions<Events, Name, Data> & HookNeeds<Events, Name, Data> = {} as never,
): SSEReadable<Data> {
  const store = createHookStore<Data>(String(url), options);
  return {
    subscribe(run) {
      // Where there is no page, a component is rendered once, to text.
      const undo = globalThis.document ? store.subscribe(() => run(store.snapshot())) : () => {};
      run(store.snapshot());
      return undo;
    },
    enable: (enabled) => store.use({ ...options, enabled }),
    close: store.close,
  };
}
