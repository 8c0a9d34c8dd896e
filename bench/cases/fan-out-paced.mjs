import { ratioBar } from '../lib/bar.mjs';
import { cpuPerDelivery, generator, p50, p99, server } from './columns.mjs';

export default {
  name: 'fan-out-paced',
  what: '1,000 clients of one channel, 100 events of 100 B a second',
  runs: 7,
  spec: { scenario: 'fanOut', clients: 1_000, rate: 100, warmPosts: 5_000, warm: 300, count: 500 },
  quick: { clients: 200, warmPosts: 0, warm: 0, count: 50 },
  subjects: ['program', 'limit', 'nchan', 'library', 'naive', 'betterSse', 'fastify', 'hono', 'h3'],
  lessOften: ['library', 'naive', 'betterSse', 'fastify', 'hono', 'h3'],
  columns: [cpuPerDelivery, p50, p99, server, generator],
  chart: cpuPerDelivery,
  bars: (of) => [
    ratioBar('CPU per delivery ≤ 1.05 × limit', of, cpuPerDelivery, ['program', 'limit'], { most: 1.05 }),
    ratioBar('CPU per delivery ≤ nchan', of, cpuPerDelivery, ['program', 'nchan'], { most: 1 }),
    ratioBar('p99 ≤ 1.2 × nchan', of, p99, ['program', 'nchan'], { most: 1.2 }),
  ],
};
