// The library behind Hono on Node, where the route hands over Node's own response.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { createSSEServer } from 'tinysse';
import { channelsOf } from './common.mjs';
import { serveFetch } from './fetch-runtime.mjs';

const sse = createSSEServer({ channelProvider: { resolveChannels: ({ url }) => channelsOf(url) } });

const app = new Hono();
app.get('/events', ({ env }) => {
  sse.handler(env.incoming, env.outgoing);
  return RESPONSE_ALREADY_SENT;
});
app.post('/publish', async (c) =>
  c.json({ id: await sse.send({ channels: channelsOf(c.req.url), data: await c.req.text() }) }),
);
await serveFetch(app.fetch);
