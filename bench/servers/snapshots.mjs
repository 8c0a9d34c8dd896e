// The library in a plain node:http server, with a snapshot that takes a database its time.
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { createSSEServer } from 'tinysse';
import { QUERY_MS, rows } from '../load/rows.mjs';
import { answerId, channelsOf, listenOptions, readBody } from './common.mjs';

/** The last event of each channel: with it a snapshot says up to which event it stands for all. */
const state = new Map();

async function* snapshot({ channels: [channel] }) {
  const last = state.get(channel);
  await wait(QUERY_MS);
  for (const data of rows) yield { data };
  if (last !== undefined) yield { data: last };
}

const sse = createSSEServer({ channelProvider: { resolveChannels: ({ url }) => channelsOf(url) }, snapshot });

const server = http.createServer((req, res) => {
  if (req.method === 'GET') return sse.handler(req, res);
  const channels = channelsOf(req.url);
  readBody(req, async (data) => {
    for (const channel of channels) state.set(channel, data);
    answerId(res, await sse.send({ channels, data }));
  });
});
server.listen(listenOptions);
