// The entries that need no other package, as applications use them.
import { createSSEServer, json, memoryLog, type SSEServerOptions } from 'tinysse';
import { createSSEClient, type RequestHeaders, type SSEClientOptions, type SSEMessage } from 'tinysse/client';
import { EventSource } from 'tinysse/eventsource';
import { createHubPublisher } from 'tinysse/publisher';
import { logSuite } from 'tinysse/testing';

const serverOptions: SSEServerOptions = {
  channelProvider: { resolveChannels: ({ url }) => new URL(url).searchParams.getAll('channel') },
  log: memoryLog({ maxEventsPerChannel: 10 }),
};
export const server = createSSEServer(serverOptions);
export const id: Promise<string> = server.publish('hello', 'all');
export const answer: Promise<Response> = server.fetch(new Request('https://example.com/events'));

const headers = async (): Promise<RequestHeaders> => ({ authorization: 'Bearer token' });
const clientOptions: SSEClientOptions = { endpoint: new URL('https://example.com/events'), headers };
export const client = createSSEClient({ ...clientOptions, method: 'POST', body: new Uint8Array(1), codec: json });
client.onMessage((message: SSEMessage<string, unknown>) => message.id);

export const source = new EventSource('https://example.com/events', { headers: new Headers() });
source.onmessage = ({ data, lastEventId }) => data.concat(lastEventId);
source.addEventListener('update', ({ data }) => data.trim());
source.addEventListener('error', ({ error }) => error.code);

export const publisher = createHubPublisher({ url: 'https://example.com', token: 'token' });
export const names: string[] = logSuite.map(({ name }) => name);
