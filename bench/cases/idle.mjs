import { bar, ratioBar, short } from '../lib/bar.mjs';

const kib = { title: 'KB / client', better: 'less', figure: (result) => result.kibPerClient * 1.024 };
const connect = { title: 'CPU µs / connect', better: 'less', figure: (result) => result.cpuPerConnect };

const common = {
  runs: 5,
  spec: { scenario: 'idle', clients: 10_000, settleMs: 1_500 },
  quick: { clients: 500, settleMs: 100 },
  columns: [kib, connect],
};

export const idle = {
  ...common,
  name: 'idle',
  what: 'memory of 10,000 idle clients',
  subjects: ['program', 'library', 'bare', 'nchan'],
  lessOften: ['nchan'],
  bars(of) {
    const ours = of('library', kib);
    const bare = of('bare', kib);
    return [
      bar('program ≤ 6 KB per client', of('program', kib), { most: 6 }),
      bar('handler ≤ bare node:http + 1.5 KB', ours - bare, {
        most: 1.5,
        figures: `${short(ours)} − ${short(bare)} = ${short(ours - bare)}`,
      }),
    ];
  },
};

export const connects = {
  ...common,
  name: 'connect',
  what: 'CPU of connecting 10,000 clients',
  // The same runs tell both.
  sharedWith: 'idle',
  subjects: idle.subjects,
  bars: (of) => [
    ratioBar('program: CPU per connect ≤ 1.2 × bare node:http', of, connect, ['program', 'bare'], { most: 1.2 }),
    ratioBar('handler: CPU per connect ≤ 1.2 × bare node:http', of, connect, ['library', 'bare'], { most: 1.2 }),
  ],
};
