// The least that Node can do with public API: an event is framed once, and the same Buffer goes to every raw socket.
import http from 'node:http';
import { answerId, channelsOf, listenOptions, readBody, Subscribers } from '../servers/common.mjs';

const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n';
const sockets = new Subscribers();
let id = 0;

const server = http.createServer((req, res) => {
  const channels = channelsOf(req.url);
  if (req.method === 'GET') {
    const { socket } = req;
    socket.setNoDelay(true);
    socket.write(HEAD);
    socket.on('close', sockets.join(channels, socket));
    return;
  }
  readBody(req, (data) => {
    const frame = `id: ${++id}\ndata: ${data}\n\n`;
    const chunk = Buffer.from(`${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n`);
    for (const socket of sockets.of(channels)) socket.write(chunk);
    answerId(res, id);
  });
});
server.listen(listenOptions);
