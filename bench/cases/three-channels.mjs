import { ratioBar } from '../lib/bar.mjs';
import { cpuPerDelivery, deliveriesPerSecond, generator, p99, server } from './columns.mjs';

export default {
  name: 'three-channels',
  what: "1,000 clients of three channels each ('all', one of 10 roles, its own), mixed events, some to two of them, flat out",
  runs: 5,
  spec: {
    scenario: 'fanOut',
    plan: 'three',
    clients: 1_000,
    publishers: 64,
    warmPosts: 5_000,
    warm: 2_000,
    count: 10_000,
  },
  quick: { clients: 200, warmPosts: 0, warm: 0, count: 500 },
  subjects: ['program', 'naive', 'library', 'limit'],
  lessOften: ['library', 'limit'],
  columns: [deliveriesPerSecond, cpuPerDelivery, p99, server, generator],
  bars: (of) => [
    ratioBar('deliveries/s ≥ 3 × res.write loop', of, deliveriesPerSecond, ['program', 'naive'], { least: 3 }),
  ],
};
