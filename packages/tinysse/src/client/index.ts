/** `tinysse/client`: the client alone, for browsers and servers. */
export { type ClientErrorCode, SSEError, type SSEIssue } from '../errors.js';
export { type Codec, json, type Untyped } from '../protocol/codec.js';
export type { MessageOf, SSEMessage } from '../protocol/event.js';
export { type StandardSchema, typed } from '../protocol/typed.js';
export { createSSEClient } from './client.js';
export { createSharedSSEClient } from './shared.js';
export type {
  RequestHeaders,
  SSEClient,
  SSEClientOptions,
  SSEClientState,
  SSEReset,
  SSESnapshotNotice,
  SSEStorage,
} from './types.js';
