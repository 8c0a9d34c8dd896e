import { once } from 'node:events';

/** A line on stderr, for the person who watches. */
export function say(line: string): void {
  process.stderr.write(`tinysse-hub: ${line}\n`);
}

/** Writes to stdout no faster than its reader takes it. */
export async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

/** A reader of stdout that has seen enough, as `head` has, ends the program quietly. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
