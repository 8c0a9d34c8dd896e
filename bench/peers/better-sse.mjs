import http from 'node:http';
import { createChannel, createSession } from 'better-sse';
import { answerId, channelsOf, listenOptions, readBody } from '../servers/common.mjs';

const channels = new Map();
let id = 0;

function channel(name) {
  let found = channels.get(name);
  if (!found) channels.set(name, (found = createChannel()));
  return found;
}

const server = http.createServer(async (req, res) => {
  const names = channelsOf(req.url);
  if (req.method === 'GET') {
    const session = await createSession(req, res, { serializer: String });
    for (const name of names) channel(name).register(session);
    return;
  }
  readBody(req, (data) => {
    id++;
    for (const name of names) channel(name).broadcast(data, 'message', { eventId: String(id) });
    answerId(res, id);
  });
});
server.listen(listenOptions);
