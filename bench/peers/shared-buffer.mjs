// The least that a server can do for clients that come back: all events so far are one Buffer, written once to each.
import http from 'node:http';
import { answerId, listenOptions, readBody } from '../servers/common.mjs';

const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n';
const sockets = new Set();
const frames = [];
let id = 0;
let history;

const chunkOf = (text) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);

const server = http.createServer((req, res) => {
  if (req.method === 'GET') {
    const { socket } = req;
    socket.setNoDelay(true);
    socket.write(HEAD);
    // All that come back have seen the first event.
    if (req.headers['last-event-id']) socket.write((history ??= chunkOf(frames.slice(1).join(''))));
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return;
  }
  readBody(req, (data) => {
    const frame = `id: ${++id}\ndata: ${data}\n\n`;
    frames.push(frame);
    history = undefined;
    const chunk = chunkOf(frame);
    for (const socket of sockets) socket.write(chunk);
    answerId(res, id);
  });
});
server.listen(listenOptions);
