import type { SSEError } from '../errors.js';
import type { HubObserver } from '../hub/observer.js';
import type { CloseReason } from '../hub/sink.js';
import type { ChannelName } from '../protocol/event.js';
import type { ConnectContext, SSERequest } from './request.js';

/** A stream, as an {@link Observer} sees it: the same object when it begins and when it ends. */
export interface Connection {
  readonly request: SSERequest;
  readonly context: ConnectContext;
  readonly channels: readonly ChannelName[];
}

/** How a stream ended. */
export interface ConnectionEnd {
  readonly reason: CloseReason;
  /** Events that were written to it. */
  readonly events: number;
  /** How long it lasted in milliseconds. */
  readonly ms: number;
}

/** Told of what a server does, for metrics and logs. As {@link HubObserver}: synchronous, and must not throw. */
export interface Observer extends HubObserver {
  /** A stream begins. */
  connected?(connection: Connection): void;
  /** A stream has ended. */
  disconnected?(connection: Connection, end: ConnectionEnd): void;
  /** A request for a stream is refused; a `Response` of the channel provider's is no refusal. */
  refused?(request: SSERequest, context: ConnectContext, error: SSEError): void;
}

/**
 * Tells of a stream's beginning and end.
 * @param now - milliseconds since 1970
 * @returns what to call at its end; undefined when nobody wants to know
 */
export function observe(
  observer: Observer,
  connection: Connection,
  now: () => number,
): ((reason: CloseReason, events: number) => void) | undefined {
  observer.connected?.(connection);
  if (!observer.disconnected) return undefined;
  const begun = now();
  return (reason, events) => observer.disconnected?.(connection, { reason, events, ms: now() - begun });
}
