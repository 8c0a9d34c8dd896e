import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Credentials } from '../auth/credentials.js';
import { redirectOf } from '../http/redirect.js';
import { reasonOf } from '../problems.js';
import { isLines } from '../routes/publish-lines.js';
import { SnapshotFailure } from './failure.js';

/** Asks for the snapshot of channels. @throws SnapshotFailure */
export type Ask = (
  channels: readonly string[],
  credentials: Credentials,
  signal: AbortSignal,
) => Promise<IncomingMessage>;

/**
 * Makes what asks the snapshot server: GET of `url` with `channel=NAME` for each channel. Redirects are not followed, so the
 * client's credentials go to the origin of `url` and nowhere else.
 */
export function createAsk(url: URL): Ask {
  const { Agent, request } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  return async (channels, { authorization, cookie }, signal) => {
    const path = url.pathname + queryOf(url, channels);
    // What is not asked for plain may come compressed, and a compressed answer hides where it was cut.
    const headers: Record<string, string> = { accept: 'application/x-ndjson', 'accept-encoding': 'identity' };
    if (authorization !== undefined) headers.authorization = authorization;
    if (cookie !== undefined) headers.cookie = cookie;
    const send = (): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const sent = request(url, { agent, path, headers });
        // Not as an option: a signal of the request would be its connection's too, which others use after it.
        signal.addEventListener('abort', () => sent.destroy(), { once: true });
        // Both stay for good: whoever reads the answer is told of its errors, but nobody reads one that was given up.
        sent.on('response', (response) => resolve(response.on('error', () => {})));
        sent.on('error', (error) => reject(Object.assign(error, { again: sent.reusedSocket })));
        sent.end();
      });
    const response = await send()
      // A server may close a connection that was kept just as it is used again.
      .catch((error: { again?: boolean }) => (error.again && !signal.aborted ? send() : Promise.reject(error)))
      .catch((cause: unknown) => {
        throw new SnapshotFailure('SNAPSHOT_UNREACHABLE', `${url.origin}: ${reasonOf(cause)}`, { cause });
      });
    try {
      checkHead(response, url);
      return response;
    } catch (error) {
      response.destroy();
      throw error;
    }
  };
}

function queryOf({ search }: URL, channels: readonly string[]): string {
  const names = channels.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&');
  return search.length > 1 ? `${search}&${names}` : `?${names}`;
}

/** @throws SnapshotFailure for an answer that is no snapshot, or whose end could not be told from a cut */
function checkHead({ statusCode: status = 0, headers }: IncomingMessage, url: URL): void {
  const { origin } = url;
  if (status === 401 || status === 403)
    throw new SnapshotFailure('SNAPSHOT_REFUSED', `${origin} refused the client's credentials with status ${status}`);
  if (status !== 200) {
    const to = redirectOf(status, headers.location, url);
    const hint = to === undefined ? '' : `, to ${to}; if the snapshots are there, name that with --snapshot-url`;
    throw new SnapshotFailure('SNAPSHOT_STATUS', `${origin} answered with status ${status}${hint}`);
  }
  if (!isLines(headers['content-type']))
    throw new SnapshotFailure('SNAPSHOT_INVALID', `${origin} must answer with content-type application/x-ndjson`);
  if (headers['content-encoding'] !== undefined)
    throw new SnapshotFailure('SNAPSHOT_INVALID', `${origin} must not encode its answer; it was asked for identity`);
  // Of other codings only the end of the connection tells the end.
  const chunked = /(^|,)\s*chunked\s*$/i.test(headers['transfer-encoding'] ?? '');
  if (headers['content-length'] === undefined && !chunked)
    throw new SnapshotFailure(
      'SNAPSHOT_CUT',
      `${origin} answered without Content-Length and without chunks (HTTP/1.0?), so its end looks like a cut`,
    );
}
