// With an adapter this is useQuery(messages); the rest of the file stands in for it.
import { QueryClient, QueryObserver, experimental_streamedQuery as streamedQuery } from '@tanstack/query-core';
import { createSSEClient } from 'tinysse/client';

const MOST = 20;

const messages = {
  queryKey: ['messages'],
  queryFn: streamedQuery({
    streamFn({ signal, client, queryKey }) {
      // Every fetch goes on after the last message of the list.
      const lastEventId = client.getQueryData(queryKey)?.at(-1)?.id ?? 'earliest';
      const stream = createSSEClient({ endpoint: '/events', signal, lastEventId });
      // What stands before a gap does not belong to what comes after it.
      stream.onReset(() => client.setQueryData(queryKey, []));
      return stream;
    },
    // So a refetch, on focus for one, adds to the list instead of emptying it.
    refetchMode: 'append',
    initialValue: [],
    reducer: (list, message) => [...list, message].slice(-MOST),
  }),
};

const queryClient = new QueryClient();
queryClient.mount();
const show = ({ data = [], fetchStatus }) => {
  document.querySelector('output').value = fetchStatus === 'fetching' ? 'live' : 'ended';
  document
    .querySelector('ul')
    .replaceChildren(...data.map(({ data }) => Object.assign(document.createElement('li'), { textContent: data })));
};
new QueryObserver(queryClient, messages).subscribe(show);
