// PORT=3000 node examples/hono/server.mjs, then: curl -N -H 'authorization: Bearer ann' localhost:3000/rooms/kitchen
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer({
  channelProvider: {
    // `raw` is what `sse.fetch` is called with: Hono's context.
    resolveChannels: (_request, { raw }) => [`user:${raw.get('user')}`, `room:${raw.req.param('room')}`],
  },
});

const app = new Hono();

app.use(async (c, next) => {
  // Stands for your own authentication.
  c.set('user', /^Bearer (\w+)$/.exec(c.req.header('authorization') ?? '')?.[1]);
  return c.get('user') ? next() : c.text('sign in first', 401);
});

app.post('/rooms/:room', async (c) => {
  await sse.publish(`${c.get('user')}: ${await c.req.text()}`, `room:${c.req.param('room')}`);
  return c.body(null, 204);
});
app.get('/rooms/:room', (c) => sse.fetch(c.req.raw, c));

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}/rooms/kitchen`);
});
