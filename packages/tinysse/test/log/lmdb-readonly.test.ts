import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cursor } from 'tinysse';
import { lmdbLog } from 'tinysse/lmdb';
import { createFakeClock } from 'tinysse/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { describeWith, program } from '../programs.js';
import { all, counted, dataOf, event } from './lmdb-bench.js';

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'ignore' });

/** A file system of its own, in a file. */
class Disk {
  readonly path: string;
  readonly #root = mkdtempSync(join(tmpdir(), 'tinysse-readonly-'));
  readonly #image = join(this.#root, 'image');

  /** @throws where this user may not mount one */
  constructor() {
    this.path = join(this.#root, 'disk');
    mkdirSync(this.path);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, 64 * 2 ** 20);
    try {
      run('mkfs.ext4', '-q', '-F', this.#image);
      this.mount();
    } catch (error) {
      rmSync(this.#root, { recursive: true });
      throw error;
    }
  }

  mount(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.path);
  }

  /** Turns it read-only under those who write to it, as the kernel does when a disk fails. */
  fail(): void {
    run('mount', '-o', 'remount,abort', this.path);
  }

  /** @throws while somebody has a file open on it */
  unmount(): void {
    run('umount', this.path);
  }

  remove(): void {
    run('umount', '-l', this.path);
    rmSync(this.#root, { recursive: true });
  }
}

function permitted(): boolean {
  try {
    new Disk().remove();
    return true;
  } catch {
    return false;
  }
}

const TITLE = 'a disk that turns read-only';
const NEED =
  'needs the right to mount an ext4 image: root with CAP_SYS_ADMIN and loop devices, in a container --privileged';

/** The suite, where this user may mount; elsewhere it is skipped, or fails if everything is required. */
function wherePermitted(body: () => void): void {
  if (permitted()) describe(TITLE, body);
  else if (process.env.TINYSSE_TEST_REQUIRE !== 'all') describe.skip(`${TITLE} (skipped: ${NEED})`, body);
  else
    test(TITLE, () => {
      throw new Error(`TINYSSE_TEST_REQUIRE=all, and this test ${NEED}`);
    });
}

const canTry = program('mkfs.ext4') !== undefined && program('mount') !== undefined;
const suite = canTry ? wherePermitted : (body: () => void) => describeWith(['mkfs.ext4', 'mount'], TITLE, body);

suite(() => {
  test('makes the log refuse everything, and it goes on with all that it acknowledged once it can write again', async () => {
    const disk = new Disk();
    const clock = createFakeClock();
    // lmdb-js writes every failed commit to the console, and beyond its memory. There must be none.
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const path = join(disk.path, 'log');
    const log = lmdbLog({ path, clock });
    onTestFinished(async () => {
      said.mockRestore();
      await log.close();
      disk.remove();
    });
    const heard: unknown[] = [];
    await log.watch({ committed() {}, interrupted: (head) => heard.push(head) });
    const kept = Array.from({ length: 20 }, (_, i) => String(i));
    const cursors = await Promise.all(kept.map((data) => log.append(event('a', data))));
    const head = cursors.at(-1) as Cursor;

    disk.fail();
    const refusal = { code: 'LOG_UNAVAILABLE', outcome: 'rejected' };
    const append = async (data: string) => log.append(event('a', data));
    for (let i = 0; i < 5; i++) await expect(append('refused')).rejects.toMatchObject(refusal);
    await expect((async () => log.stats())()).rejects.toMatchObject(refusal);
    clock.advance(1_000);
    await expect(append('refused')).rejects.toMatchObject(refusal);
    expect(heard).toEqual([]);
    expect(said).not.toHaveBeenCalled();

    // The clock stands still, so the log does not look at the directory that the disk was mounted on.
    await vi.waitFor(() => disk.unmount());
    disk.mount();
    clock.advance(1_000);
    await vi.waitFor(() => expect(heard).toEqual([head]));
    expect(await append('again')).toEqual({ epoch: head.epoch, offset: head.offset + 1 });
    expect(dataOf((await all(log, 'a')).entries)).toEqual([...kept, 'again']);
    expect(await log.stats()).toMatchObject(await counted(log, 'a'));
  });

  test('is noticed without a publish, by whoever asks how the log is', async () => {
    const disk = new Disk();
    const log = lmdbLog({ path: join(disk.path, 'log'), clock: createFakeClock() });
    onTestFinished(async () => {
      await log.close();
      disk.remove();
    });
    await log.append(event('a', ''));
    disk.fail();
    await expect((async () => log.stats())()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'rejected' });
  });
});
