import fastifySSE from '@fastify/sse';
import Fastify from 'fastify';
import { channelsOf, listenOptions, Subscribers } from '../servers/common.mjs';

const replies = new Subscribers();
let id = 0;

const app = Fastify();
await app.register(fastifySSE, { serializer: String });
app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_, body, done) => done(null, body));
app.get('/events', { sse: true }, async (request, reply) => {
  reply.sse.keepAlive();
  reply.sse.sendHeaders();
  reply.raw.flushHeaders();
  reply.sse.onClose(replies.join(channelsOf(request.url), reply));
});
app.post('/publish', async (request) => {
  id++;
  const message = { id: String(id), data: request.body };
  for (const reply of replies.of(channelsOf(request.url))) reply.sse.send(message).catch(() => {});
  return { id: String(id) };
});
await app.listen(listenOptions);
