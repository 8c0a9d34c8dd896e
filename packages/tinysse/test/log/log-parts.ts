import type { LogEvent } from 'tinysse';
import { encodedLength } from '../../src/protocol/encode.js';
import { channelName, eventName } from '../../src/protocol/event.js';

/** An event for channels separated by spaces. */
export function eventOf(
  channels: string,
  data: string,
  { key, event }: { key?: string; event?: string } = {},
): LogEvent {
  const name = eventName(event);
  return { channels: channels.split(' ').map(channelName), event: name, data, size: encodedLength(name, data), key };
}
