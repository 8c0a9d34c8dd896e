// A process of its own that has a log: `writer PATH SEED` appends and says what was acknowledged, until it is killed;
// `filler PATH` appends until it is refused, and says what was acknowledged and how it was refused; `holder PATH` opens
// the log and waits; `publisher PATH` appends one event and does nothing else.
import { writeSync } from 'node:fs';
import { lmdbLog } from 'tinysse/lmdb';
import { seeded } from '../../src/testing/assert.js';
import { event } from './lmdb-bench.js';

const [role, path, seed] = process.argv.slice(2) as [string, string, string];
const log = lmdbLog(
  role === 'publisher'
    ? { path, lockTimeoutMs: 500 }
    : role === 'filler'
      ? { path }
      : { path, maxEventsPerChannel: 40, maxBytes: 60_000, maxChannels: 6 },
);
if (role === 'publisher') {
  const answer = Promise.resolve(log.append(event('a', 'x')));
  await answer.then(
    ({ offset }) => writeSync(1, `${offset}\n`),
    ({ code }) => writeSync(1, `${code}\n`),
  );
  await log.close();
  process.exit();
}

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
} else if (role === 'filler') {
  for (let i = 0; ; i++) {
    const data = `${i} ${'x'.repeat(20_000)}`;
    try {
      await log.append(event('a', data));
      writeSync(1, `${JSON.stringify({ data })}\n`);
    } catch (error) {
      writeSync(1, `${JSON.stringify(error)}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
  }
} else setInterval(() => {}, 2 ** 30);
