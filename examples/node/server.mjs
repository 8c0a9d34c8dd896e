// PORT=3000 node examples/node/server.mjs, then: curl -N -H 'authorization: Bearer ann' localhost:3000/rooms/kitchen
import { createServer } from 'node:http';
import { createSSEServer, SSEError } from 'tinysse';

const sse = createSSEServer({
  channelProvider: {
    resolveChannels(request) {
      const user = userOf(request.headers.get('authorization'));
      if (!user) throw new SSEError('UNAUTHORIZED', 'sign in first');
      return [`user:${user}`, `room:${new URL(request.url).pathname.split('/')[2]}`];
    },
  },
});

// Stands for your own way to know who asks.
const userOf = (authorization) => /^Bearer (\w+)$/.exec(authorization ?? '')?.[1];

const server = createServer(sse.handler).listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}/rooms/kitchen`);
});
const ticks = setInterval(() => sse.publish(new Date().toISOString(), 'room:kitchen'), 1_000);

process.once('SIGTERM', async () => {
  clearInterval(ticks);
  server.close();
  await sse.close(); // Clients are told when to come back.
  setTimeout(() => server.closeAllConnections(), 1_000); // Those that would be kept for another request.
});
