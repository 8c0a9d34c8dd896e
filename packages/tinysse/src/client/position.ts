import { parseCursor } from '../protocol/cursor.js';

/** Whether `id` is a cursor at or before `position`, in the same log: the event has been seen. */
export function isSeen(id: string, position: string): boolean {
  const event = parseCursor(id);
  const here = parseCursor(position);
  return !!event && event.epoch === here?.epoch && event.offset <= here.offset;
}
