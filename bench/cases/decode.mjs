import { bar, ratioBar } from '../lib/bar.mjs';
import { runWorkload } from '../lib/processes.mjs';

const speed = { title: 'MB / s of CPU', better: 'more', figure: (result) => result.megabytesPerSecond };
const growth = { title: '16 MB line / 4 MB line', figure: (result) => result.lineGrowth };

export default {
  name: 'decode',
  what: '50 MiB of mixed events in slices of 64 KiB, decoded from bytes; and one line of 16 MB',
  runs: 5,
  spec: { mebibytes: 50 },
  quick: { mebibytes: 4 },
  titles: { tinysse: 'tinysse', parser: 'eventsource-parser' },
  subjects: ['tinysse', 'parser'],
  columns: [speed, growth],
  measure: (name, spec, root) => runWorkload('decode.mjs', [name, String(spec.mebibytes)], root),
  /** Both must have found the same. */
  agree: (result) => result.found,
  bars: (of) => [
    ratioBar('≥ 1.0 × eventsource-parser', of, speed, ['tinysse', 'parser'], { least: 1 }),
    bar('a line of 16 MB takes ≤ 6 × the time of one of 4 MB', of('tinysse', growth), { most: 6 }),
  ],
};
