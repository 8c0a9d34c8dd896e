import { bar, ratioBar, short } from '../lib/bar.mjs';
import { cpuPerEvent, generator, p50, p99 } from './columns.mjs';

// Code that is not compiled yet would be half of what is measured, and the more the more there is of it; and a heap that
// still grows is looked through more often than one that has its size.
const warm = { warm: 40_000, warmRate: 0, warmMs: 6_000 };
const spec = { scenario: 'fanOut', rate: 2_000, publishers: 16, ...warm, count: 10_000 };

export default {
  name: 'many-channels',
  what: 'one client for each of 10,000 channels, 2,000 events a second',
  runs: 5,
  spec: { ...spec, clients: 10_000, channels: 10_000 },
  quick: { clients: 1_000, channels: 1_000, warm: 0, count: 1_000 },
  variants: { 'program, 1,000 channels': { subject: 'program', clients: 1_000, channels: 1_000 } },
  subjects: ['program', 'limit', 'program, 1,000 channels', 'library'],
  lessOften: ['library'],
  columns: [cpuPerEvent, p50, p99, generator],
  bars(of) {
    const many = of('program', cpuPerEvent);
    const few = of('program, 1,000 channels', cpuPerEvent);
    return [
      ratioBar('CPU per event ≤ 1.0 × limit', of, cpuPerEvent, ['program', 'limit'], { most: 1 }),
      bar('CPU per event the same with 1,000 and 10,000 channels (± 15 %)', Math.abs(many / few - 1), {
        most: 0.15,
        figures: `${short(many)} and ${short(few)}`,
      }),
    ];
  },
};
