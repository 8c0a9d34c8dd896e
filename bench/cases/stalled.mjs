import { bar, ratioBar, short } from '../lib/bar.mjs';
import { cpuPerDelivery, generator, p50, p99 } from './columns.mjs';

const SIZE = 10_000;
const RETAINED = 1_000;
const STALLING = 500;

const grown = { title: 'MB grown', figure: (result) => result.grownKiB / 1024 };
const resets = { title: 'resets', figure: (result) => result.resets };

export default {
  name: 'stalled',
  what: '500 of 1,000 clients stop reading while 2,000 events of 10 KB are published, then read again',
  runs: 5,
  spec: {
    scenario: 'stalled',
    clients: 1_000,
    stalling: STALLING,
    size: SIZE,
    retained: RETAINED,
    rate: 100,
    // A client that does not read holds up to 4 MB in the kernel before anything shows.
    fill: 450,
    count: 2_000,
    settleMs: 1_000,
  },
  quick: { clients: 40, stalling: 20, fill: 300, rate: 300, count: 1_500, settleMs: 100 },
  variants: { 'program, nobody stalls': { subject: 'program', clients: STALLING, stalling: 0, fill: 0, count: 1_000 } },
  subjects: ['program', 'program, nobody stalls'],
  columns: [grown, resets, cpuPerDelivery, p50, p99, generator],
  bars(of) {
    const beyondLog = (of('program', grown) * 1024 * 1024 - RETAINED * SIZE) / STALLING / 1024;
    return [
      bar('memory ≤ 64 KB per stalled client beyond the log', beyondLog, {
        most: 64,
        figures: `${short(beyondLog)} KB`,
      }),
      ratioBar('p99 of the others ≤ 2 × without them', of, p99, ['program', 'program, nobody stalls'], { most: 2 }),
    ];
  },
};
