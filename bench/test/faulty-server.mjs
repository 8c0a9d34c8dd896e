// A server of event streams with a fault: node faulty-server.mjs PORT none|lossy|doubling|reordering|disagreeing|ending
import http from 'node:http';
import { answerId, listenOptions, readBody } from '../servers/common.mjs';

const fault = process.argv[3];
const clients = [];
const held = new Map();
let id = 0;

/** What a client is sent of an event with number `id`, when the fault is done to it. */
function framesFor(client, frame) {
  if (id % 10 !== 5) return [frame];
  if (fault === 'lossy') return client === clients[1] ? [] : [frame];
  if (fault === 'doubling') return client === clients[1] ? [frame, frame] : [frame];
  if (fault === 'reordering' || (fault === 'disagreeing' && client === clients[1])) {
    held.set(client, frame);
    return [];
  }
  return [frame];
}

const server = http.createServer((req, res) => {
  if (req.method === 'GET') {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
    clients.push(res);
    return;
  }
  readBody(req, (data) => {
    id++;
    for (const client of clients) {
      const late = held.get(client);
      held.delete(client);
      for (const each of framesFor(client, `id: ${id}\ndata: ${data}\n\n`)) client.write(each);
      if (late) client.write(late);
      if (fault === 'ending' && id === 20 && client === clients[1]) client.end();
    }
    answerId(res, id);
  });
});
server.listen(listenOptions);
