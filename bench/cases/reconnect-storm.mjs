import { bar, ratioBar } from '../lib/bar.mjs';
import { generator, p99 } from './columns.mjs';

const caughtUp = { title: 'caught up, ms', figure: (result) => result.caughtUpSeconds * 1000 };
const cpu = { title: 'CPU ms', figure: (result) => result.cpuSeconds * 1000 };

export default {
  name: 'reconnect-storm',
  what: '2,000 clients come back at once, each 1,000 events behind, while 100 others are live',
  runs: 5,
  spec: { scenario: 'storm', clients: 2_000, behind: 999, rate: 100 },
  quick: { clients: 200, behind: 200 },
  subjects: ['program', 'sharedBuffer', 'library'],
  lessOften: ['library'],
  columns: [caughtUp, cpu, p99, generator],
  bars: (of) => [
    ratioBar(
      'caught up in ≤ 2 × the time of a loop with one shared Buffer',
      of,
      caughtUp,
      ['program', 'sharedBuffer'],
      {
        most: 2,
      },
    ),
    bar('p99 of live clients ≤ 100 ms', of('program', p99), { most: 100 }),
  ],
};
