import { bar } from '../lib/bar.mjs';
import { generator, p99, server } from './columns.mjs';

const served = { title: 'all served, s', better: 'less', figure: (result) => result.servedSeconds };
const cpu = { title: 'CPU ms', better: 'less', figure: (result) => result.cpuSeconds * 1000 };

export default {
  name: 'snapshot',
  what: '2,000 clients come at once and need a snapshot of 100 rows, 16 at once, 50 ms each, while 100 others are live',
  runs: 5,
  spec: { scenario: 'snapshot', clients: 2_000, rate: 20 },
  quick: { clients: 100 },
  subjects: ['snapshotUrl', 'snapshots'],
  columns: [served, cpu, p99, server, generator],
  bars: (of) => [
    bar('program: all served within 1.2 × 2,000 / 16 × 50 ms', of('snapshotUrl', served), { most: 7.5 }),
    bar('program: p99 of live clients ≤ 100 ms', of('snapshotUrl', p99), { most: 100 }),
    bar('handler: p99 of live clients ≤ 100 ms', of('snapshots', p99), { most: 100 }),
  ],
};
