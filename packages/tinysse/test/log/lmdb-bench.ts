import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log, LogEntry, LogEvent, LogPage } from 'tinysse';
import { channelName, eventName } from '../../src/protocol/event.js';

/** Directories for one test file, and what takes them away. */
export function directories(): { next(): string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'tinysse-lmdb-'));
  let made = 0;
  return { next: () => join(root, String(++made)), remove: () => rmSync(root, { recursive: true }) };
}

/** An event for channels separated by spaces. */
export function event(channels: string, data: string, key?: string): LogEvent {
  return { channels: channels.split(' ').map(channelName), event: eventName('e'), data, size: data.length + 20, key };
}

/** All that is left of channels. */
export async function all(log: Log, channels: string, after = 0): Promise<LogPage> {
  const names = channels.split(' ').map(channelName);
  const upTo = Number.MAX_SAFE_INTEGER;
  return log.read({ channels: names, after, upTo, maxEvents: 1_000_000, maxBytes: 2 ** 40 });
}

export const dataOf = (entries: readonly LogEntry[]): string[] => entries.map(({ data }) => data);

/** What a log holds by counting, to compare with what it says. */
export async function counted(log: Log, channels: string): Promise<{ events: number; bytes: number }> {
  const { entries } = await all(log, channels);
  return { events: entries.length, bytes: entries.reduce((sum, { size }) => sum + size + 128, 0) };
}
