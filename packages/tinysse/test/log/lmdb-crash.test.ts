import { lmdbLog } from 'tinysse/lmdb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seeded } from '../../src/testing/assert.js';
import { all, counted, directories, event } from './lmdb-bench.js';
import { buildChild, Child } from './lmdb-process.js';

const CHANNELS = Array.from({ length: 8 }, (_, i) => `c${i}`).join(' ');
const { next, remove } = directories();
beforeAll(buildChild);
afterAll(remove);

interface Acknowledged {
  readonly offset: number;
  readonly channels: string;
  readonly data: string;
}

test('kill -9 in the middle of writing, again and again, loses nothing that was acknowledged', async () => {
  const path = next();
  const random = seeded(7);
  const acknowledged: Acknowledged[] = [];
  let epoch: string | undefined;
  for (let round = 0; round < 10; round++) {
    const child = new Child('writer', path, String(round));
    await child.said(2 + Math.floor(random() * 1_500));
    await child.kill();
    // A line may have been cut short; then nobody has heard it.
    const said = child.lines.slice(1).filter((line) => line.endsWith('}'));
    acknowledged.push(...said.map((line) => JSON.parse(line) as Acknowledged));

    const log = lmdbLog({ path, maxEventsPerChannel: 40, maxBytes: 60_000, maxChannels: 6 });
    const head = await log.head();
    epoch ??= head.epoch;
    expect(head.epoch).toBe(epoch);
    expect(head.offset).toBeGreaterThanOrEqual(Math.max(...acknowledged.map(({ offset }) => offset)));
    const seen = new Map((await all(log, CHANNELS)).entries.map(({ offset, data }) => [offset, data]));
    expect(new Set(seen.values()).size).toBe(seen.size);
    for (const channel of CHANNELS.split(' ')) {
      const { floor, entries } = await all(log, channel);
      const offsets = entries.map(({ offset }) => offset);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      expect(offsets.every((offset) => offset > floor)).toBe(true);
      expect(offsets.length).toBeLessThanOrEqual(40);
      for (const { offset, channels, data } of acknowledged)
        if (channels.split(' ').includes(channel) && offset > floor)
          expect([offset, seen.get(offset)]).toEqual([offset, data]);
    }
    expect(await log.stats()).toMatchObject(await counted(log, CHANNELS));
    for (const { offset, channels, data } of acknowledged.slice(-8)) {
      const key = data.split(' ', 1)[0] as string;
      expect(await log.append(event(channels, data, key))).toEqual({ epoch, offset });
    }
    await log.close();
  }
  expect(acknowledged.length).toBeGreaterThan(1_000);
  expect(new Set(acknowledged.map(({ offset }) => offset)).size).toBe(acknowledged.length);
});
