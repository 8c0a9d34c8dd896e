import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lmdbLog } from 'tinysse/lmdb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { all, counted, dataOf, directories, event } from './lmdb-bench.js';
import { buildChild, runLimited } from './lmdb-process.js';

const { next, remove } = directories();

/** A file system of 8 MiB of its own; undefined where this user may not mount one. */
function smallDisk(): string | undefined {
  const at = mkdtempSync(join(tmpdir(), 'tinysse-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', at], { stdio: 'ignore' });
  } catch {
    rmdirSync(at);
    return undefined;
  }
  return at;
}

function unmount(at: string): void {
  execFileSync('umount', [at]);
  rmdirSync(at);
}

beforeAll(buildChild);
afterAll(remove);

test('a write that the system refuses refuses the event with LOG_FULL, and leaves no trace', async () => {
  const path = next();
  const [opened, ...lines] = await runLimited(8_192, 'filler', path);
  expect(opened).toBe('open');
  expect(JSON.parse(lines.pop() as string)).toMatchObject({ code: 'LOG_FULL', outcome: 'rejected' });
  expect(lines.length).toBeGreaterThan(50);
  const log = lmdbLog({ path });
  expect(dataOf((await all(log, 'a')).entries)).toEqual(lines.map((line) => JSON.parse(line).data));
  expect(await log.stats()).toMatchObject(await counted(log, 'a'));
  await log.close();
});

const probe = smallDisk();
if (probe) unmount(probe);
const required = process.env.TINYSSE_TEST_REQUIRE === 'all';
const suite = probe || required ? describe : describe.skip;

suite(`a full disk${probe ? '' : ' (skipped: needs the right to mount a tmpfs)'}`, () => {
  test('refuses events with LOG_FULL and no trace, and takes them again when there is room', async () => {
    const disk = smallDisk() as string;
    // lmdb-js writes every failed commit to the console. There is none: after many the process may end.
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => {
      said.mockRestore();
      unmount(disk);
    });
    const path = join(disk, 'log');
    const ballast = join(disk, 'ballast');
    mkdirSync(path);
    writeFileSync(ballast, Buffer.alloc(2 * 2 ** 20));
    const log = lmdbLog({ path });
    const heard: string[] = [];
    await log.watch({ committed: ({ data }) => heard.push(data), interrupted: () => heard.push('interrupted') });

    const kept: string[] = [];
    let refused = 0;
    const publish = async (name: string): Promise<void> => {
      const data = `${name} ${'x'.repeat(20_000)}`;
      try {
        await log.append(event('a', data, name));
        kept.push(data);
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ code: 'LOG_FULL', outcome: 'rejected' });
      }
    };
    const round = (n: number) => Promise.all(Array.from({ length: 8 }, (_, i) => publish(`${n}.${i}`)));
    let rounds = 0;
    while (refused < 100 && rounds < 1_000) await round(rounds++);
    expect(refused).toBeGreaterThanOrEqual(100);
    expect(dataOf((await all(log, 'a')).entries)).toEqual(kept);
    expect(heard).toEqual(kept);
    const { offset } = await log.head();
    expect(said).not.toHaveBeenCalled();

    // A key that is known is answered, whatever becomes of those that share its transaction.
    refused = 0;
    const [cursor] = await Promise.all([log.append(event('a', kept[0] as string, '0.0')), round(rounds)]);
    expect(cursor.offset).toBe(1);
    expect(refused).toBe(8);

    rmSync(ballast);
    refused = 0;
    await publish(`${rounds - 1}.0`);
    await round(rounds);
    expect(refused).toBe(0);
    expect((await log.head()).offset).toBe(offset + 9);
    expect(heard).toEqual(kept);
    await log.close();

    const again = lmdbLog({ path });
    expect(dataOf((await all(again, 'a')).entries)).toEqual(kept);
    expect(await again.stats()).toMatchObject(await counted(again, 'a'));
    await again.close();
  });
});
