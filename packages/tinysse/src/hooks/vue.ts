/** `tinysse/vue`: streams in Vue components. */
import { type ComputedRef, computed, type MaybeRefOrGetter, onScopeDispose, shallowRef, toValue, watch } from 'vue';
import type { Untyped } from '../protocol/codec.js';
import type { HookNeeds, NameOf, SSEHookOptions, SSESnapshot } from './options.js';
import { createHookStore, type HookStore } from './store.js';

export type { SSEHookOptions, SSESnapshot } from './options.js';

/** What a component has of a stream, as refs. */
export type SSERefs<Data> = { readonly [Name in keyof SSESnapshot<Data>]: ComputedRef<SSESnapshot<Data>[Name]> } & {
  /** Ends this component's part in the stream, until `enabled` is turned off and on again or the URL is another. */
  close(): void;
};

/**
 * A stream in a component, or in any effect scope, which ends it. All with the same URL and options have one
 * connection; who joins later hears what comes from then on, unless it has a `lastEventId` or the server sends snapshots: then it begins
 * with one. A stream of another URL
 * begins with `initial`. On a server nothing connects.
 *
 * @param url - where the stream is, or a ref or getter of it
 * @param options - a client's, and what is made of the messages; `enabled` may be a ref or getter
 * @throws SSEError INVALID_OPTION
 * @example
 * const { data, status } = useSSE(() => `/rooms/${room.value}`, { enabled: () => visible.value });
 */
export function useSSE<
  Events extends object = Untyped,
  Name extends NameOf<Events> = NameOf<Events>,
  Data = Events[Name] | undefined,
>(
  url: MaybeRefOrGetter<string | URL>,
  options: Omit<SSEHookOptions<Events, Name, Data>, 'enabled'> &
    HookNeeds<Events, Name, Data> & { enabled?: MaybeRefOrGetter<boolean | undefined> } = {} as never,
): SSERefs<Data> {
  const current = () => ({ ...options, enabled: toValue(options.enabled) });
  const snapshot = shallowRef() as { value: SSESnapshot<Data> };
  let store: HookStore<Data>;
  let leave = () => {};
  watch(
    () => String(toValue(url)),
    (address) => {
      leave();
      const mine = (store = createHookStore<Data>(address, current()));
      const show = (): void => {
        snapshot.value = mine.snapshot();
      };
      // Where there is no page, the component is rendered once, to text.
      if (globalThis.document) leave = mine.subscribe(show);
      show();
    },
    { immediate: true },
  );
  watch(
    () => toValue(options.enabled),
    () => store.use(current()),
  );
  onScopeDispose(() => leave());
  return {
    data: computed(() => snapshot.value.data),
    status: computed(() => snapshot.value.status),
    error: computed(() => snapshot.value.error),
    lastEventId: computed(() => snapshot.value.lastEventId),
    close: () => store.close(),
  };
}
