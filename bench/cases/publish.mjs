import { bar } from '../lib/bar.mjs';
import { runWorkload } from '../lib/processes.mjs';
import { cpuPerEvent } from './columns.mjs';

const rate = { title: 'events/s', better: 'more', figure: (result) => result.perSecond };

export default {
  name: 'publish',
  what: 'the library publishes 100 B to a channel without subscribers: memory log, all validation on, every publish awaited',
  runs: 5,
  spec: { count: 2_000_000 },
  quick: { count: 100_000 },
  titles: { awaited: 'await publish', together: '64 publishes awaited together' },
  subjects: ['awaited', 'together'],
  columns: [rate, cpuPerEvent],
  measure: (name, spec, root) => runWorkload('publish.mjs', [name, String(spec.count)], root),
  bars: (of) => [bar('≥ 1,000,000 events/s', of('awaited', rate), { least: 1_000_000 })],
};
