// The library behind `fetch`: on Node through @hono/node-server, on Bun through Bun.serve.
import { createSSEServer } from 'tinysse';
import { channelsOf } from './common.mjs';
import { serveFetch } from './fetch-runtime.mjs';

const sse = createSSEServer({ channelProvider: { resolveChannels: ({ url }) => channelsOf(url) } });

await serveFetch(async (request) => {
  if (request.method === 'GET') return sse.fetch(request);
  const id = await sse.send({ channels: channelsOf(request.url), data: await request.text() });
  return new Response(JSON.stringify({ id }));
});
