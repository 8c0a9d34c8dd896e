import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Failure, reasonOf, UsageError } from '../problems.js';

/** How long the hub may take to answer a publish. */
const ANSWER_MS = 15_000;

/** An event on its way to a hub. */
export interface Publication {
  readonly channels: readonly string[];
  readonly event?: string | undefined;
  readonly key?: string | undefined;
  readonly data: string | Uint8Array;
}

/** The hub cannot be reached, or can do nothing now; a later try may succeed. */
export class HubAway extends Failure {}

// One connection serves a whole run of publishes. fetch would take five times the CPU for each.
const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

/**
 * Publishes one event through a hub.
 * @returns the event's id
 * @throws HubAway; UsageError when the hub says that the event makes no sense; Failure for every other refusal
 */
export async function publishTo(hub: URL, { channels, event, key, data }: Publication): Promise<string> {
  const target = new URL('publish', hub);
  for (const channel of channels) target.searchParams.append('channel', channel);
  if (event !== undefined) target.searchParams.set('event', event);
  if (key !== undefined) target.searchParams.set('key', key);
  const { status, text } = await post(target, data).catch((error: unknown) => {
    throw new HubAway(`cannot reach the hub at ${hub.origin}: ${reasonOf(error)}`);
  });
  const { id, error } = parse(text);
  if (status === 200 && typeof id === 'string') return id;
  const message = error?.message ?? `${hub.origin} does not answer as a tinysse-hub does (status ${status})`;
  if (status === 503) throw new HubAway(message);
  throw status === 400 ? new UsageError(message) : new Failure(message);
}

function post(target: URL, data: string | Uint8Array): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const secure = target.protocol === 'https:';
    const request = (secure ? httpsRequest : httpRequest)(target, {
      method: 'POST',
      agent: agents[secure ? 'https:' : 'http:'],
      headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(data) },
      timeout: ANSWER_MS,
    });
    request.on('timeout', () => request.destroy(new Error(`no answer for ${ANSWER_MS / 1000} s`)));
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    request.end(data);
  });
}

/** What a hub answers: one of the two, or neither when it is no hub. */
interface Answer {
  id?: unknown;
  error?: { message?: string };
}

function parse(text: string): Answer {
  try {
    return (JSON.parse(text) as Answer | null) ?? {};
  } catch {
    return {};
  }
}
