import { ratioBar } from '../lib/bar.mjs';
import { runWorkload } from '../lib/processes.mjs';

const speed = { title: 'MB / s of CPU', better: 'more', figure: (result) => result.megabytesPerSecond };

export default {
  name: 'reading',
  what: 'a client reads 10 MiB of mixed events that a `fetch` of its own hands over',
  runs: 5,
  spec: { mebibytes: 10 },
  quick: { mebibytes: 1 },
  titles: { callbacks: 'onMessage', loop: 'for await' },
  subjects: ['callbacks', 'loop'],
  columns: [speed],
  measure: (name, spec, root) => runWorkload('read.mjs', [name, String(spec.mebibytes)], root),
  /** Both must have got the same. */
  agree: (result) => result.found,
  bars: (of) => [ratioBar('for await ≥ 0.5 × onMessage', of, speed, ['loop', 'callbacks'], { least: 0.5 })],
};
