import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Raw, serve, subscribe } from '../http.js';
import { type Hub, startHub } from '../program.js';

type Answers = (req: IncomingMessage, res: ServerResponse) => void;

export const row = (data: string, event?: string): string => `${JSON.stringify({ event, data })}\n`;

/** Begins an answer as a snapshot server should. */
export const begin = (res: ServerResponse): ServerResponse =>
  res.writeHead(200, { 'content-type': 'application/x-ndjson' });

/** A hub and the server that it has snapshots from. */
export async function hubWith(answer: Answers, args: readonly string[] = []): Promise<Hub> {
  const port = await serve(answer);
  return startHub(['--snapshot-url', `http://127.0.0.1:${port}/state`, ...args]);
}

/** The channel that a snapshot server is asked for. */
export const channelOf = ({ url = '' }: IncomingMessage): string =>
  new URL(url, 'http://h').searchParams.get('channel') ?? '';

/** A subscriber that reads nothing once its stream has begun. */
export async function stalled(port: number, query: string) {
  const raw = await subscribe(port, query);
  raw.socket.pause();
  return raw;
}

/** Waits for the end of a stream; its connection may go on. */
export const ended = (stream: Raw): Promise<void> => stream.until('\r\n0\r\n\r\n');

/** The server's events and the data of the others, in order; those with an id are marked. */
export function outline(received: string): string[] {
  const frames = received.match(/(?:id: .*\n)?(?:event: .*\n)?data: .*\n/g) ?? [];
  return frames.map((frame) => {
    const name = /^event: (tinysse:.*)$/m.exec(frame)?.[1] ?? /^data: (.*)$/m.exec(frame)?.[1];
    return `${frame.startsWith('id: ') ? 'id ' : ''}${name}`;
  });
}
