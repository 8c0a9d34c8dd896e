// PORT=3000 node examples/fastify/server.mjs, then: curl -N -H 'authorization: Bearer ann' localhost:3000/rooms/kitchen
import fastify from 'fastify';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer({
  channelProvider: {
    resolveChannels: (_request, { raw }) => [`user:${raw.user}`, `room:${raw.room}`],
  },
});

const app = fastify();

app.addHook('onRequest', async (request, reply) => {
  // Stands for your own authentication.
  request.user = /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (!request.user) return reply.code(401).send('sign in first');
});

app.post('/rooms/:room', async ({ user, body, params }, reply) => {
  await sse.publish(`${user}: ${body}`, `room:${params.room}`);
  return reply.code(204).send();
});
app.get('/rooms/:room', (request, reply) => {
  reply.hijack();
  sse.handler(Object.assign(request.raw, { user: request.user, room: request.params.room }), reply.raw);
});

console.log(`${await app.listen({ port: process.env.PORT ?? 3000 })}/rooms/kitchen`);
