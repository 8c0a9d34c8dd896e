export type { Clock } from './clock.js';
export { SSEError, type SSEErrorCode, type SSEErrorDetails, type SSEIssue } from './errors.js';
export type { HubStats } from './hub/hub.js';
export type { HubObserver } from './hub/observer.js';
export type { ChannelStats, ChannelsQuery } from './hub/presence.js';
export type { PublishInput } from './hub/publish.js';
export type { CloseReason } from './hub/sink.js';
export type { Source, SourceEvent } from './hub/source.js';
export type {
  AsyncLog,
  Log,
  LogChannel,
  LogEntry,
  LogEvent,
  LogPage,
  LogQuery,
  LogStats,
  LogWatcher,
  MaybePromise,
  Membership,
  Peer,
  PeerCount,
  PeerQuery,
  SyncLog,
} from './log/log.js';
export { type MemoryLogOptions, memoryLog } from './log/memory.js';
export { type Codec, json } from './protocol/codec.js';
export type { Cursor } from './protocol/cursor.js';
export type { ChannelName, EventName, SSEMessage } from './protocol/event.js';
export { type StandardSchema, typed } from './protocol/typed.js';
export type { CorsOptions } from './server/cors.js';
export type { Connection, ConnectionEnd, Observer } from './server/observer.js';
export type {
  ChannelProvider,
  Channels,
  Limits,
  SnapshotFor,
  SnapshotOf,
  SSEServerOptions,
  Subscription,
} from './server/options.js';
export { httpStatus } from './server/refusal.js';
export type { ConnectContext, SSERequest } from './server/request.js';
export { createSSEServer, type SSEServer } from './server/server.js';
