import { ratioBar } from '../lib/bar.mjs';
import { cpuPerDelivery, deliveriesPerSecond, generator, p99, server } from './columns.mjs';

export default {
  name: 'fan-out-flat-out',
  what: '1,000 clients of one channel, 3,000 events of 100 B from 64 publishing connections, as fast as they are taken',
  runs: 5,
  spec: { scenario: 'fanOut', clients: 1_000, publishers: 64, warmPosts: 5_000, warm: 1_000, count: 3_000 },
  quick: { clients: 200, warmPosts: 0, warm: 0, count: 200 },
  subjects: ['program', 'nchan', 'betterSse', 'library', 'limit', 'naive', 'fastify', 'hono', 'h3'],
  lessOften: ['limit', 'naive', 'fastify', 'hono', 'h3'],
  columns: [deliveriesPerSecond, cpuPerDelivery, p99, server, generator],
  chart: deliveriesPerSecond,
  bars: (of) => [
    ratioBar('deliveries/s ≥ 12 × nchan', of, deliveriesPerSecond, ['program', 'nchan'], { least: 12 }),
    ratioBar('deliveries/s ≥ 30 × better-sse', of, deliveriesPerSecond, ['program', 'betterSse'], { least: 30 }),
  ],
};
