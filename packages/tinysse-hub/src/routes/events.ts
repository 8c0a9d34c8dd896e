import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SSEServer } from 'tinysse';
import type { Auth } from '../auth/auth.js';
import type { Grant } from '../auth/grant.js';
import { Refused } from '../http/answer.js';
import { eachParameter, unknownParameter } from '../http/query.js';
import { identify } from '../http/sender.js';
import type { SnapshotsFor } from '../snapshot/snapshots.js';

export interface EventsOptions {
  /** Takes a stream's place among those of its address. @returns gives it back; undefined when there is none left */
  readonly enter?: ((req: IncomingMessage) => (() => void) | undefined) | undefined;
  /** Gives a client the present state. */
  readonly snapshots?: SnapshotsFor | undefined;
}

/** `GET /events?channel=a[&channel=b][&lastEventId=…][&access_token=…]`: the stream. The library reads `lastEventId` itself. */
export const eventsRoute =
  (sse: SSEServer, auth: Auth, { enter, snapshots }: EventsOptions) =>
  (req: IncomingMessage, res: ServerResponse, query: string): Promise<void> => {
    const channels: string[] = [];
    let token: string | undefined;
    eachParameter(query, (name, value) => {
      if (name === 'channel') channels.push(value);
      else if (name === 'access_token') token = value;
      else if (name !== 'lastEventId') throw unknownParameter(name, ['channel', 'lastEventId', 'access_token']);
    });
    if (channels.length === 0)
      throw new Refused(400, 'NO_CHANNEL', 'the parameter "channel" is missing: GET /events?channel=NAME');
    if (enter) {
      const leave = enter(req);
      if (!leave)
        throw new Refused(429, 'TOO_MANY_CONNECTIONS', 'this address has as many streams as it may; close some', {
          'retry-after': '10',
        });
      res.once('close', leave);
    }
    const stream = ({ expiresAt, subject }: Grant): Promise<void> => {
      identify(req, subject);
      return sse.serve(req, res, { channels, expiresAt, snapshot: snapshots?.(req, token) });
    };
    const grant = auth.subscriber(req, channels, token);
    return grant instanceof Promise ? grant.then(stream) : stream(grant);
  };
