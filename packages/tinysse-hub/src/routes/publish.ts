import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PublishInput, SSEServer } from 'tinysse';
import type { Auth } from '../auth/auth.js';
import { requireChannels } from '../auth/grant.js';
import { Refused, sendJson } from '../http/answer.js';
import { readBody } from '../http/body.js';
import { eachParameter, unknownParameter } from '../http/query.js';
import type { PublishRate } from '../http/rate.js';
import { tooManyChannels } from './publish-line.js';
import { isLines, publishLines } from './publish-lines.js';

export interface PublishLimits {
  readonly channelsPerEvent: number;
  /** The most that one event may have. */
  readonly eventBytes: number;
  readonly rate?: PublishRate | undefined;
  /** What the rate counts of a sender that shows no token. */
  readonly addressOf: (req: IncomingMessage) => string;
}

/**
 * `POST /publish?channel=a[&channel=b][&event=n][&key=…]`: the body is the event's data, unless its type says that it is
 * events, one a line.
 */
export const publishRoute =
  (sse: SSEServer, auth: Auth, limits: PublishLimits) =>
  async (req: IncomingMessage, res: ServerResponse, query: string): Promise<void> => {
    const { eventBytes, channelsPerEvent } = limits;
    const grant = await auth.publisher(req);
    const { publisher } = grant;
    const take = limits.rate && admit(limits.rate, grant.id ?? limits.addressOf(req));
    const mayPublish = (channels: readonly string[]): void => {
      requireChannels(grant, 'publish', channels);
      take?.();
    };
    const type = req.headers['content-type'];
    refuseMultipart(type);
    if (isLines(type)) {
      if (query) throw new Refused(400, 'INVALID_PARAMETER', 'every line names its own channels; leave the query out');
      return publishLines(sse, req, res, { mayPublish, publisher, channelsPerEvent });
    }
    // Everything is looked at before the body is read, so that a mistake costs nobody an upload.
    const target = publishTarget(query);
    if (target.channels.length > channelsPerEvent) throw tooManyChannels(target.channels.length, channelsPerEvent);
    mayPublish(target.channels);
    const body = await readBody(req, res, eventBytes);
    if (!isUtf8(body))
      throw new Refused(400, 'INVALID_DATA', 'the body is not UTF-8; encode binary data first, as base64 for one');
    const data = body.toString();
    refuseMercureForm(type, data);
    const id = await sse.send({ ...target, data, publisher });
    sendJson(res, 200, `{"id":"${id}"}`);
  };

/** Lets a request in for its first event. @returns to be called for each event */
function admit(rate: PublishRate, sender: string): () => void {
  rate.admit(sender);
  rate.take(sender);
  let first = true;
  return () => {
    if (!first) rate.take(sender);
    first = false;
  };
}

function publishTarget(query: string): Omit<PublishInput, 'data'> & { channels: string[] } {
  const channels: string[] = [];
  const target: { channels: string[]; event?: string; key?: string } = { channels };
  eachParameter(query, (name, value) => {
    if (name === 'channel') {
      channels.push(value);
      return;
    }
    if (name !== 'event' && name !== 'key') throw unknownParameter(name, ['channel', 'event', 'key']);
    if (target[name] !== undefined)
      throw new Refused(400, 'INVALID_PARAMETER', `"${name}" is given twice; an event has one`);
    target[name] = value;
  });
  if (channels.length === 0)
    throw new Refused(400, 'NO_CHANNEL', 'the parameter "channel" is missing: POST /publish?channel=NAME');
  return target;
}

function refuseMultipart(type: string | undefined): void {
  if (!type || !/^multipart\//i.test(type)) return;
  throw new Refused(
    400,
    'INVALID_DATA',
    'this is a multipart form (as curl -F and FormData make it), and would be published as its text; the channel goes into ' +
      'the URL and the data is the whole body: POST /publish?channel=NAME',
  );
}

/** curl calls any `-d` a form, so only the fields of a Mercure publish tell one. */
function refuseMercureForm(type: string | undefined, data: string): void {
  if (!type?.startsWith('application/x-www-form-urlencoded')) return;
  if (!/(^|&)topic=/.test(data) || !/(^|&)data=/.test(data)) return;
  throw new Refused(
    400,
    'INVALID_DATA',
    'this is a form as Mercure takes it, and would be published as its text; here the channel goes into the URL and the ' +
      'data is the whole body: POST /publish?channel=NAME',
  );
}
