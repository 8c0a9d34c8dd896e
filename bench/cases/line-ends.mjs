import { existsSync } from 'node:fs';
import { runtimePrograms } from '../../scripts/runtimes.mjs';
import { ratioBar } from '../lib/bar.mjs';
import { runWorkload } from '../lib/processes.mjs';

const speed = { title: 'MB / s of CPU', better: 'more', figure: (result) => result.megabytesPerSecond };

// `npm run runtimes` installs the others.
const nodes = { [`Node ${process.versions.node.split('.')[0]}`]: process.execPath };
for (const [name, file] of Object.entries(runtimePrograms))
  if (name.startsWith('Node') && existsSync(file)) nodes[name] ??= file;
const ways = Object.keys(nodes).flatMap((node) =>
  ['LF', 'CRLF', 'CR'].map((end) => ({ node, end, of: `${node}, ${end}` })),
);

export const lineEnds = {
  name: 'line-ends',
  what: "20 MiB of mixed events, decoded from bytes: each of the standard's line ends, on each Node",
  runs: 5,
  spec: { mebibytes: 20 },
  quick: { mebibytes: 1 },
  titles: Object.fromEntries(
    ways.flatMap(({ of }) => [
      [`tinysse ${of}`, `tinysse, ${of}`],
      [`parser ${of}`, `eventsource-parser, ${of}`],
    ]),
  ),
  subjects: ways.flatMap(({ of }) => [`tinysse ${of}`, `parser ${of}`]),
  columns: [speed],
  measure(name, { mebibytes }, root) {
    const { node, end } = ways.find(({ of }) => name.endsWith(` ${of}`));
    return runWorkload('decode.mjs', [name.split(' ')[0], String(mebibytes), end], root, nodes[node]);
  },
  /** All must have found the same. */
  agree: (result) => result.found,
  bars: (of) =>
    ways.map((way) =>
      ratioBar(`${way.of}: ≥ 1.0 × eventsource-parser`, of, speed, [`tinysse ${way.of}`, `parser ${way.of}`], {
        least: 1,
      }),
    ),
};
