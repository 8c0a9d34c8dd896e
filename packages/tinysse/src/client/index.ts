/** `tinysse/client`: the client alone, for browsers and servers. */
export { type ClientErrorCode, SSEError } from '../errors.js';
export type { SSEMessage } from '../protocol/event.js';
export { createSSEClient } from './client.js';
export { createSharedSSEClient } from './shared.js';
export type { SSEClient, SSEClientOptions, SSEClientState, SSEReset, SSEStorage } from './types.js';
