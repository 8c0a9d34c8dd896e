import { ratioBar } from '../lib/bar.mjs';
import { cpuPerDelivery, generator, p50, p99 } from './columns.mjs';

export default {
  name: 'fetch-paced',
  what: '`server.fetch` with 1,000 clients of one channel, 25 events a second',
  runs: 5,
  // No more than what Hono keeps up with.
  spec: { scenario: 'fanOut', clients: 1_000, rate: 25, warm: 50, count: 100 },
  quick: { clients: 100, warm: 0, count: 20 },
  subjects: ['fetch', 'hono', 'honoNode', 'fetchBun', 'honoBun'],
  lessOften: ['honoNode', 'fetchBun', 'honoBun'],
  columns: [cpuPerDelivery, p50, p99, generator],
  bars: (of) => [
    ratioBar('Node: CPU per delivery ≤ 1/3 of Hono', of, cpuPerDelivery, ['fetch', 'hono'], { most: 1 / 3 }),
  ],
};
