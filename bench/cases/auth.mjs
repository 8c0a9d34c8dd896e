import { bar, ratioBar, short } from '../lib/bar.mjs';
import { BENCH_SECRET as secret } from '../lib/subjects.mjs';
import { cpuPerDelivery, p99 } from './columns.mjs';

const connect = { title: 'CPU µs / connect', better: 'less', figure: (result) => result.cpuPerConnect };
const names = {
  subjects: ['none', 'own', 'one'],
  variants: {
    none: { subject: 'program' },
    own: { subject: 'programWithKeys', secret },
    one: { subject: 'programWithKeys', secret, tokens: 'one' },
  },
  titles: {
    none: 'tinysse-hub without keys',
    own: 'tinysse-hub, HS256, a token for each client',
    one: 'tinysse-hub, HS256, one token for all',
  },
};

export const authConnects = {
  ...names,
  name: 'auth-connect',
  what: 'CPU of connecting 5,000 clients that show a token',
  runs: 5,
  spec: { scenario: 'idle', clients: 5_000, settleMs: 500 },
  quick: { clients: 500, settleMs: 100 },
  columns: [connect],
  bars(of) {
    const [own, none] = [of('own', connect), of('none', connect)];
    const figures = `${short(own)} − ${short(none)} = ${short(own - none)}`;
    return [bar('a token costs ≤ 60 µs of CPU per connect', own - none, { most: 60, figures })];
  },
};

export const authDelivery = {
  ...names,
  name: 'auth-delivery',
  what: '1,000 clients of one channel that have shown a token, 100 events of 100 B a second',
  runs: 5,
  spec: { scenario: 'fanOut', clients: 1_000, rate: 100, warm: 200, count: 500 },
  quick: { clients: 200, warm: 0, count: 50 },
  columns: [cpuPerDelivery, p99],
  bars: (of) => [
    ratioBar('CPU per delivery ≤ 1.05 × without keys: nothing', of, cpuPerDelivery, ['own', 'none'], { most: 1.05 }),
  ],
};
