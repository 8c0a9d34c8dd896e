// The library in a plain node:http server, as a user would write it.
import http from 'node:http';
import { createSSEServer } from 'tinysse';
import { answerId, channelsOf, listenOptions, readBody } from './common.mjs';

const sse = createSSEServer({ channelProvider: { resolveChannels: ({ url }) => channelsOf(url) } });

const server = http.createServer((req, res) => {
  if (req.method === 'GET') return sse.handler(req, res);
  readBody(req, async (data) => {
    answerId(res, await sse.send({ channels: channelsOf(req.url), data }));
  });
});
server.listen(listenOptions);
