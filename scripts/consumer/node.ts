// Node's own servers take the handler, with the types of the oldest and of the newest Node.
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer();
export const http = createServer(sse.handler);
export const http2 = createSecureServer(sse.handler);
export const route = createServer((req, res) => sse.serve(req, res, { channels: ['all'] }));
