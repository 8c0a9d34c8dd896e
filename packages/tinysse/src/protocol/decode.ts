import type { SSEMessage } from './event.js';

/** What a decoder reports, in the order of the stream. */
export interface DecoderOptions {
  /** A dispatched event. */
  onEvent(message: SSEMessage): void;
  /** A `retry` field: whole milliseconds, digits only. */
  onRetry?(ms: number): void;
  /** The last event id before the first `id` field. Default: empty. */
  lastEventId?: string;
  /** The longest line and the longest event in bytes; beyond, `feed` throws LINE_TOO_LONG or EVENT_TOO_LONG. Default: 16 MiB each. */
  maxLineBytes?: number;
  maxEventBytes?: number;
}
