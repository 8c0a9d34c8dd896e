import { QueryClient, QueryObserver, experimental_streamedQuery as streamedQuery } from '@tanstack/query-core';
import { createSSEClient, type SSEMessage } from 'tinysse/client';

const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });
queryClient.mount();
const queryKey = ['messages'];

export const observer = new QueryObserver(queryClient, {
  queryKey,
  queryFn: streamedQuery<SSEMessage, SSEMessage[]>({
    refetchMode: 'append',
    initialValue: [],
    reducer: (list, message) => [...list, message].slice(-20),
    streamFn: ({ signal, client }) =>
      createSSEClient({
        endpoint: '/events',
        signal,
        lastEventId: client.getQueryData<SSEMessage[]>(queryKey)?.at(-1)?.id ?? 'earliest',
        retryInterval: 20,
      }),
  }),
});

let leave = () => {};
export const watch = (): void => {
  leave = observer.subscribe(() => {});
};
export const unwatch = (): void => leave();
export const data = (): string[] => observer.getCurrentResult().data?.map(({ data }) => data) ?? [];
/** As when the window comes to the front. */
export const focus = (): boolean => window.dispatchEvent(new Event('visibilitychange'));
