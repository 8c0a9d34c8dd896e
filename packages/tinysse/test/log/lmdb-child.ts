// A process of its own that has a log: `writer PATH SEED` appends and says what was acknowledged, until it is killed;
// `holder PATH` opens the log and waits.
import { writeSync } from 'node:fs';
import { lmdbLog } from 'tinysse/lmdb';
import { seeded } from '../../src/testing/assert.js';
import { event } from './lmdb-bench.js';

const [role, path, seed] = process.argv.slice(2) as [string, string, string];
const log = lmdbLog({ path, maxEventsPerChannel: 40, maxBytes: 60_000, maxChannels: 6 });
await log.head();
writeSync(1, 'open\n');

if (role === 'writer') {
  const random = seeded(Number(seed));
  const pick = (n: number): number => Math.floor(random() * n);
  const publish = async (publisher: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const channels = [...new Set([`c${pick(8)}`, `c${pick(8)}`])].join(' ');
      const data = `${seed}.${publisher}.${i} ${'x'.repeat(pick(200))}`;
      const { offset } = await log.append(event(channels, data, `${seed}.${publisher}.${i}`));
      writeSync(1, `${JSON.stringify({ offset, channels, data })}\n`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => publish(i)));
} else setInterval(() => {}, 2 ** 30);
