import type { ChannelName, EventName } from '../protocol/event.js';
import type { LogEntry, LogEvent } from './log.js';

/** An event as the scripts store it, without the offset and the time that they put before it. */
export function eventText({ size, event, channels, data }: LogEvent): string {
  return `${size}\n${event ?? ''}\n${channels.join('\t')}\n${data}`;
}

/** Reads an entry that {@link eventText} began and a script completed. */
export function entryOf(text: string): LogEntry {
  let at = 0;
  const line = (): string => {
    const start = at;
    const end = text.indexOf('\n', start);
    at = end + 1;
    return text.slice(start, end);
  };
  const [offset, time, size] = [Number(line()), Number(line()), Number(line())];
  const event = (line() || undefined) as EventName | undefined;
  const channels = line().split('\t') as ChannelName[];
  return { offset, time, channels, event, data: text.slice(at), size };
}
