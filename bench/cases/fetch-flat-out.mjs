import { ratioBar } from '../lib/bar.mjs';
import { cpuPerDelivery, deliveriesPerSecond, generator, p99, server } from './columns.mjs';

export default {
  name: 'fetch-flat-out',
  what: '`server.fetch` with 1,000 clients of one channel, 3,000 events from 64 publishing connections, flat out',
  runs: 5,
  spec: { scenario: 'fanOut', clients: 1_000, publishers: 64, warm: 1_000, count: 3_000 },
  quick: { clients: 100, warm: 0, count: 100 },
  subjects: ['fetch', 'hono', 'honoNode', 'fetchBun', 'honoBun'],
  lessOften: ['honoNode'],
  columns: [deliveriesPerSecond, cpuPerDelivery, p99, server, generator],
  bars: (of) => [
    ratioBar('Node: deliveries/s ≥ 20 × Hono', of, deliveriesPerSecond, ['fetch', 'hono'], { least: 20 }),
    ratioBar('Bun: deliveries/s ≥ 20 × Hono', of, deliveriesPerSecond, ['fetchBun', 'honoBun'], { least: 20 }),
  ],
};
