/** `tinysse/react`: streams in React components. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import type { Untyped } from '../protocol/codec.js';
import type { HookNeeds, NameOf, SSEHookOptions, SSESnapshot } from './options.js';
import { createHookStore } from './store.js';

export type { SSEHookOptions, SSESnapshot } from './options.js';

/** What a component has of a stream. */
export interface SSEResult<Data> extends SSESnapshot<Data> {
  /** Ends this component's part in the stream, until `enabled` is turned off and on again or the URL is another. */
  close(): void;
}

/**
 * A stream in a component. All components with the same URL and options have one connection, which is closed when the
 * last of them is gone; a component that joins later hears what comes from then on, unless it has a `lastEventId` or the server sends
 * snapshots: then it begins with one. A
 * stream of another URL or `identity` begins with `initial`; other changes go on where the stream was. On a server nothing connects.
 *
 * @param url - where the stream is; in a browser it may be relative to the page
 * @param options - a client's, and what is made of the messages
 * @throws SSEError INVALID_OPTION, when the component has been mounted
 * @example
 * const { data, status } = useSSE('/events', { initial: 0, reduce: (count: number) => count + 1 });
 */
export function useSSE<
  Events extends object = Untyped,
  Name extends NameOf<Events> = NameOf<Events>,
  Data = Events[Name] | undefined,
>(
  url: string | URL,
  options: SSEHookOptions<Events, Name, Data> & HookNeeds<Events, Name, Data> = {} as never,
): SSEResult<Data> {
  const address = String(url);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the store is told of other options below
  const store = useMemo(() => createHookStore<Data>(address, options), [address, options.identity]);
  const snapshot = useSyncExternalStore(store.subscribe, store.snapshot, () => store.initial);
  useEffect(() => store.use(options));
  return { ...snapshot, close: store.close };
}
