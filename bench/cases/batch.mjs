import { bar } from '../lib/bar.mjs';
import { cpuPerEvent, generator, server } from './columns.mjs';

const rate = { title: 'events/s', better: 'more', figure: (result) => result.events / result.seconds };

export default {
  name: 'batch',
  what: '100 events of 100 B in each POST, from 8 connections as fast as they are answered',
  runs: 5,
  spec: { scenario: 'batch', clients: 0, publishers: 8, lines: 100, warm: 3_000, count: 6_000 },
  quick: { warm: 0, count: 50 },
  // One client shows that all come, in order.
  variants: { 'program, to one client': { subject: 'program', clients: 1 } },
  subjects: ['program', 'program, to one client'],
  columns: [cpuPerEvent, rate, server, generator],
  bars: (of) => [bar('CPU per event ≤ 2 µs', of('program', cpuPerEvent), { most: 2 })],
};
