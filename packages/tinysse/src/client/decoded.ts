import { SSEError, type SSEIssue } from '../errors.js';
import type { Codec } from '../protocol/codec.js';
import type { SSEMessage } from '../protocol/event.js';

/** A message with the data that a codec makes of its text; what the codec refuses is reported, and gives none. */
export function decoded(
  codec: Codec | undefined,
  message: SSEMessage,
  report: (error: SSEError) => void,
): SSEMessage<string, unknown> | undefined {
  const { event, data } = message;
  try {
    return codec ? { ...message, data: codec.decode(data, event) } : message;
  } catch (cause) {
    const issues = (cause as { issues?: readonly SSEIssue[] } | undefined)?.issues;
    report(new SSEError('VALIDATION', `${event}: ${cause}`, { cause, issues, willRetry: true }));
  }
}
