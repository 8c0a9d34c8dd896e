// Where the DOM's types are: ours fit them.
import { createSSEClient } from 'tinysse/client';
import { EventSource as Ours } from 'tinysse/eventsource';

const headers: HeadersInit = [['authorization', 'Bearer token']];
export const client = createSSEClient({ endpoint: '/events', headers, credentials: 'include' });
export const ours = new Ours('/events', { headers });
ours.onmessage = ({ data }: MessageEvent<string>) => data.trim();
ours.addEventListener('update', ({ data }: MessageEvent<string>) => data.trim());
const native: EventSource = ours;
export const nativeClass: typeof EventSource = Ours;
native.onerror = (event) => event.type;
