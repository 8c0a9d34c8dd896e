import http from 'node:http';
import { createEventStream, H3 } from 'h3';
import { toNodeHandler } from 'h3/node';
import { channelsOf, listenOptions, Subscribers } from '../servers/common.mjs';

const streams = new Subscribers();
let id = 0;

const app = new H3();
app.get('/events', (event) => {
  const stream = createEventStream(event);
  stream.onClosed(streams.join(channelsOf(event.req.url), stream));
  // Without a first chunk no headers leave.
  stream.pushComment('');
  return stream;
});
app.post('/publish', async (event) => {
  id++;
  const message = { id: String(id), data: await event.req.text() };
  for (const stream of streams.of(channelsOf(event.req.url))) stream.push(message);
  return { id: message.id };
});
http.createServer(toNodeHandler(app)).listen(listenOptions);
