import { readFileSync } from 'node:fs';

/** Clock ticks per second in /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** CPU seconds of processes, in user and kernel mode, since they began. */
export function cpuSeconds(pids) {
  let ticks = 0;
  for (const pid of pids) {
    // The name in the second field may hold anything, even a parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS;
}

/** Memory of processes in KiB, what they share counted once (PSS). */
export function memoryKiB(pids) {
  let sum = 0;
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    sum += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
  }
  return sum;
}
