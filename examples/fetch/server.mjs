// bun examples/fetch/server.mjs, then: curl -N -H 'authorization: Bearer ann' localhost:3000/rooms/kitchen
// The same file runs on Deno (deno serve --port 3000 -A examples/fetch/server.mjs) and wherever else a Request gets a Response.
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

setInterval(() => sse.publish(new Date().toISOString(), 'room:kitchen'), 1_000);

export default {
  port: 3000,
  fetch: sse.fetch,
};
