import { bar, ratioBar } from '../lib/bar.mjs';
import { generator, p99 } from './columns.mjs';

const caughtUp = { title: 'caught up, ms', better: 'less', figure: (result) => result.caughtUpSeconds * 1000 };
const cpu = { title: 'CPU ms', better: 'less', figure: (result) => result.cpuSeconds * 1000 };

export default {
  name: 'reconnect-storm',
  what: '2,000 clients come back at once, each 1,000 events behind, while 100 others are live',
  runs: 5,
  // Slower than in other cases: with those who have come back, so many live clients take no more.
  spec: { scenario: 'storm', clients: 2_000, behind: 1_000, rate: 20 },
  quick: { clients: 200, behind: 200 },
  subjects: ['retaining', 'sharedBuffer'],
  columns: [caughtUp, cpu, p99, generator],
  bars: (of) => [
    ratioBar(
      'caught up in ≤ 2 × the time of a loop with one shared Buffer',
      of,
      caughtUp,
      ['retaining', 'sharedBuffer'],
      {
        most: 2,
      },
    ),
    bar('p99 of live clients ≤ 100 ms', of('retaining', p99), { most: 100 }),
  ],
};
