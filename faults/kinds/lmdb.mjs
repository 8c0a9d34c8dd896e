import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { folder, remove } from '../parts/folder.mjs';
import { Hub } from '../parts/hub.mjs';
import { sleep } from '../parts/wait.mjs';
import { publish } from '../publishers.mjs';
import { stepClock } from './clock.mjs';
import { hubFaults, killAmidWrites } from './hubs.mjs';

/** @typedef {import('./clients.mjs').Kind} Kind */

const DISK = '320m';

/** A folder on a small disk of its own, where that is permitted; else one on the disk that is there. */
function disk() {
  const path = folder('ledger');
  let mounted = true;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    mounted = false;
  }
  const free = () => {
    if (mounted) execFileSync('umount', ['-l', path], { stdio: 'ignore' });
    mounted = false;
    remove(path);
  };
  // Before the folder itself goes.
  process.prependOnceListener('exit', free);
  return { path, small: mounted, free };
}

/** Fills a disk. @param {string} ballast - a file on it */
function fill(ballast) {
  const file = openSync(ballast, 'w');
  const block = Buffer.alloc(2 ** 16);
  try {
    for (;;) writeSync(file, block);
  } catch {
    // It is full.
  } finally {
    closeSync(file);
  }
}

/** A hub with its events on disk, and what may befall it. @param {(what: string) => void} failed @param {readonly string[]} flags */
export async function lmdbStore(failed, flags) {
  const { path, small, free } = disk();
  const directory = join(path, 'data');
  const hub = await Hub.at('the hub on disk', ['--data-dir', directory, ...flags], failed);
  await hub.start();

  /** @param {import('../parts/random.mjs').Random} random */
  const again = (random) => hub.start({ clocked: random.chance(0.5) });

  /** @type {Record<string, Kind>} */
  const faults = {
    ...hubFaults,
    'kill -9 of a hub': async (world, random) => {
      await killAmidWrites(world, hub, random);
      await again(random);
      await world.recover();
    },
    'SIGTERM of a hub': async (world, random) => {
      await hub.drain();
      await again(random);
      await world.recover();
    },
    'a second opener': async (world) => {
      const said = await hub.second();
      if (!/^1 .*another log has .* open/s.test(said))
        world.ledger.violation(`a second hub on ${directory} ended with ${said}`);
      await world.recover();
    },
    'the directory deleted': async (world, random) => {
      remove(directory);
      // It is noticed by the next publish, or by whoever asks how the hub is.
      if (random.chance(0.5)) await publish(world, [world.event()]);
      await world.recover({ lossless: false });
    },
    'a stepped clock': async (world, random) => {
      await stepClock(hub, random);
      await world.recover();
    },
  };
  if (small)
    faults['a full disk'] = async (world, random) => {
      const ballast = join(path, 'ballast');
      fill(ballast);
      try {
        const length = random.between(50_000, 400_000);
        for (let i = 0; i < 60; i++) {
          const sent = world.event(['large'], length);
          await publish(world, [sent]);
          if (sent.event.outcome !== 'rejected') continue;
          world.made('LOG_FULL');
          break;
        }
        if (random.chance(0.3)) {
          await hub.kill();
          await again(random);
        }
        await sleep(random.between(100, 2_000));
      } finally {
        rmSync(ballast);
      }
      await world.recover();
    };
  const note = small ? undefined : 'no full disk: mounting a tmpfs is not permitted';
  return { hubs: [hub], faults, note, close: () => hub.kill().then(free) };
}
