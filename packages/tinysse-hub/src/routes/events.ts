import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SSEServer } from 'tinysse';
import { Refused } from '../http/answer.js';
import { eachParameter, unknownParameter } from '../http/query.js';

/** `GET /events?channel=a[&channel=b][&lastEventId=…]`: the stream. The library reads `lastEventId` itself. */
export const eventsRoute =
  (sse: SSEServer) =>
  (req: IncomingMessage, res: ServerResponse, query: string): Promise<void> => {
    const channels: string[] = [];
    eachParameter(query, (name, value) => {
      if (name === 'channel') channels.push(value);
      else if (name !== 'lastEventId') throw unknownParameter(name, ['channel', 'lastEventId']);
    });
    if (channels.length === 0)
      throw new Refused(400, 'NO_CHANNEL', 'the parameter "channel" is missing: GET /events?channel=NAME');
    return sse.serve(req, res, { channels });
  };
