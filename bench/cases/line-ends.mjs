import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ratioBar } from '../lib/bar.mjs';
import { ROOT, runWorkload } from '../lib/processes.mjs';

const speed = { title: 'MB / s of CPU', better: 'more', figure: (result) => result.megabytesPerSecond };

// `npm ci` brings Node 22 and 24 on Linux on x64.
const nodes = { [`Node ${process.versions.node.split('.')[0]}`]: process.execPath };
for (const major of [22, 24]) {
  const file = join(ROOT, `node_modules/node${major}/bin/node`);
  if (existsSync(file)) nodes[`Node ${major}`] ??= file;
}
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
