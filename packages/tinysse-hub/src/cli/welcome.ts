import type { WriteStream } from 'node:tty';
import type { Room } from '../limits.js';

/** Prints where to look, what to paste and where events are kept; colours only on a terminal. */
export function welcome(url: string, version: string, place: string, { clients, files }: Room): void {
  const out = process.stdout as WriteStream;
  const colours = out.isTTY && !process.env.NO_COLOR;
  const bold = (text: string): string => (colours ? `\x1b[1m${text}\x1b[22m` : text);
  const cyan = (text: string): string => (colours ? `\x1b[36m${text}\x1b[39m` : text);
  // Whoever started the hub may have closed its stdout: no reason to end.
  out.on('error', () => {});
  out.write(`
${bold('tinysse-hub')} ${version} is running. Look at it: ${cyan(`${url}/`)}

  subscribe  ${bold(`curl -N '${url}/events?channel=demo'`)}
  publish    ${bold(`curl -d 'hello' '${url}/publish?channel=demo'`)}

Events are kept ${place}.
There is room for ${clients} clients${files === undefined ? '' : ` and ${files} open files`}.

`);
}
