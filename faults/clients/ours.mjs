import { createSSEClient } from 'tinysse/client';

/**
 * The client of this project.
 * @param {import('../ledger/reader.mjs').Reader} reader @param {string} origin @param {string} lastEventId - where it begins
 * @param {boolean} heals - whether a snapshot follows every reset
 */
export function ourClient(reader, origin, lastEventId, heals) {
  const query = reader.channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&');
  const client = createSSEClient({
    endpoint: `${origin}/events?${query}`,
    lastEventId,
    retryInterval: 100,
    maxRetryDelay: 2_000,
    connectTimeoutMs: 5_000,
  });
  reader.frame({ event: 'tinysse:position', id: lastEventId, data: '' });
  client.onOpen(() => reader.connected());
  let inSnapshot = false;
  client.onMessage(({ id, event, data }) => reader.frame(inSnapshot ? { event, data } : { id, data }));
  client.onReset((reset) =>
    reader.frame({ event: 'tinysse:reset', id: heals ? undefined : client.lastEventId, data: JSON.stringify(reset) }),
  );
  client.onSnapshot(({ complete }) => {
    inSnapshot = !complete;
    reader.frame(complete ? { event: 'tinysse:position', id: client.lastEventId } : { event: 'tinysse:snapshot' });
  });
  client.onError(() => {});
  client.onStateChange((state) => {
    // It goes on by itself unless the hub has told it not to.
    if (state === 'closed' && !closing) reader.gaveUp();
  });
  let closing = false;
  client.connect();
  return {
    reader,
    close() {
      closing = true;
      client.close();
    },
  };
}
