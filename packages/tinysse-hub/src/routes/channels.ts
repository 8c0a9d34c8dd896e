import type { SSEServer } from 'tinysse';
import type { Auth } from '../auth/auth.js';
import { Refused, sendJson } from '../http/answer.js';
import { eachParameter, unknownParameter } from '../http/query.js';
import type { Handler } from '../http/route.js';

const PAGE = { usual: 100, most: 1_000 };

/**
 * `GET /channels[?prefix=…&limit=…&after=…]`: the channels that have subscribers at any hub, in order of name. `next`,
 * where there are more, is the `after` of the next page.
 */
export const channelsRoute =
  (sse: SSEServer, auth: Auth): Handler =>
  async (req, res, query) => {
    const { prefix, after, limit = PAGE.usual } = channelsQuery(query);
    await auth.admin(req);
    const found = await sse.channels({ prefix, after, limit: limit + 1 });
    const channels = found.slice(0, limit);
    sendJson(res, 200, JSON.stringify({ channels, ...(found.length > limit && { next: channels.at(-1)?.channel }) }));
  };

/** `POST /disconnect?channel=…`: ends its streams at every hub, so that clients are asked again who they are. */
export const disconnectRoute =
  (sse: SSEServer, auth: Auth): Handler =>
  async (req, res, query) => {
    const { channel } = parameters(query, ['channel']);
    if (channel === undefined)
      throw new Refused(400, 'NO_CHANNEL', 'the parameter "channel" is missing: POST /disconnect?channel=NAME');
    await auth.admin(req);
    const disconnected = await sse.disconnect({ channel });
    sendJson(res, 200, JSON.stringify({ disconnected }));
  };

function channelsQuery(query: string): { prefix?: string; after?: string; limit?: number } {
  const { limit, ...names } = parameters(query, ['prefix', 'after', 'limit']);
  if (limit === undefined) return names;
  const count = /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
  if (count > 0 && count <= PAGE.most) return { ...names, limit: count };
  throw new Refused(400, 'INVALID_PARAMETER', `"limit" must be a whole number from 1 to ${PAGE.most}`);
}

function parameters<T extends string>(query: string, known: readonly T[]): { [name in T]?: string } {
  const given: { [name in T]?: string } = {};
  eachParameter(query, (name, value) => {
    if (!known.includes(name as T)) throw unknownParameter(name, known);
    if (given[name as T] !== undefined) throw new Refused(400, 'INVALID_PARAMETER', `"${name}" is given twice`);
    given[name as T] = value;
  });
  return given;
}
