// A node:http server that keeps event streams open and nothing else: what a connection costs before anything is done.
import http from 'node:http';
import { listenOptions } from '../servers/common.mjs';

const server = http.createServer((_, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.flushHeaders();
});
server.listen(listenOptions);
