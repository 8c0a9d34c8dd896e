import { createDecoder, type DecoderOptions } from '../../src/protocol/decode.js';
import type { SSEMessage } from '../../src/protocol/event.js';

/** Splits bytes into chunks of `size`. */
export function chunks(bytes: Uint8Array, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.slice(at, at + size));
  return parts;
}

/** What a decoder makes of a stream. */
export interface Decoded {
  messages: SSEMessage[];
  /** Of each message, whether its block had an id. */
  ownIds: boolean[];
  retries: number[];
  lastEventId: string;
}

/** Decodes a whole stream that comes in these chunks. */
export function decodeChunks(parts: Iterable<Uint8Array>, options: Partial<DecoderOptions> = {}): Decoded {
  const decoded: Decoded = { messages: [], ownIds: [], retries: [], lastEventId: '' };
  const decoder = createDecoder({
    onEvent(message, ownId) {
      decoded.messages.push(message);
      decoded.ownIds.push(ownId);
    },
    onRetry: (ms) => decoded.retries.push(ms),
    ...options,
  });
  for (const part of parts) decoder.feed(part);
  decoded.lastEventId = decoder.lastEventId;
  return decoded;
}

/** Decodes text in whole, in chunks of one, two and three bytes, and checks nothing: callers compare. */
export function decodeEveryWay(text: string): Decoded[] {
  const bytes = new TextEncoder().encode(text);
  return [bytes.length || 1, 1, 2, 3].map((size) => decodeChunks(chunks(bytes, size)));
}
