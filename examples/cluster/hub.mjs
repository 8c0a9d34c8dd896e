// One of the hubs that run.mjs starts; any number of these may stand behind a load balancer.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createClient } from 'redis';
import { createSSEServer } from 'tinysse';
import { redisLog } from 'tinysse/redis';

const log = redisLog({ client: createClient({ url: process.env.REDIS_URL }) });
const sse = createSSEServer({ log, channelProvider: { resolveChannels: () => ['all'] }, retryMs: 200 });

createServer(async (req, res) => {
  res.setHeader('x-hub', process.env.NAME ?? '');
  if (req.method !== 'POST') return sse.handler(req, res);
  // The sender's key makes it harmless to send again what another hub may have stored.
  const key = String(req.headers['idempotency-key']);
  await sse.send({ channels: 'all', data: await text(req), key }).then(
    (id) => res.end(id),
    (error) => res.writeHead(503).end(error.message),
  );
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
