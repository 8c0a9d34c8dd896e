// Hono's streamSSE, on Node or on Bun.
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { channelsOf, Subscribers } from '../servers/common.mjs';
import { serveFetch } from '../servers/fetch-runtime.mjs';

const streams = new Subscribers();
let id = 0;

const app = new Hono();
app.get('/events', (c) =>
  streamSSE(c, async (stream) => {
    const leave = streams.join(channelsOf(c.req.url), stream);
    // Without a first chunk Bun sends no headers.
    await stream.write(':\n\n');
    await new Promise((left) => stream.onAbort(left));
    leave();
  }),
);
app.post('/publish', async (c) => {
  id++;
  const message = { id: String(id), data: await c.req.text() };
  for (const stream of streams.of(channelsOf(c.req.url))) stream.writeSSE(message);
  return c.json({ id: message.id });
});
await serveFetch(app.fetch);
