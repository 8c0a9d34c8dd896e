// What one writes by hand: a `res.write` for every client and event.
import http from 'node:http';
import { answerId, channelsOf, listenOptions, readBody, Subscribers } from '../servers/common.mjs';

const responses = new Subscribers();
let id = 0;

const server = http.createServer((req, res) => {
  const channels = channelsOf(req.url);
  if (req.method === 'GET') {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    res.flushHeaders();
    res.on('close', responses.join(channels, res));
    return;
  }
  readBody(req, (data) => {
    const frame = `id: ${++id}\ndata: ${data}\n\n`;
    for (const response of responses.of(channels)) response.write(frame);
    answerId(res, id);
  });
});
server.listen(listenOptions);
