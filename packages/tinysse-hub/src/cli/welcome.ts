import type { WriteStream } from 'node:tty';
import type { Room } from '../limits.js';

/** What is printed when a hub runs. */
export interface Welcome {
  readonly url: string;
  readonly version: string;
  /** Where events are kept. */
  readonly place: string;
  readonly room: Room;
  /** What callers must show: nothing, a token that `tinysse-hub token` makes with the same secret, or one from elsewhere. */
  readonly token: 'none' | 'own' | 'foreign';
}

/** Prints where to look, what to paste and where events are kept; colours only on a terminal. */
export function welcome({ url, version, place, room: { clients, files }, token }: Welcome): void {
  const out = process.stdout as WriteStream;
  const colours = out.isTTY && !process.env.NO_COLOR;
  const bold = (text: string): string => (colours ? `\x1b[1m${text}\x1b[22m` : text);
  const cyan = (text: string): string => (colours ? `\x1b[36m${text}\x1b[39m` : text);
  const header = token === 'none' ? '' : '-H "Authorization: Bearer $TOKEN" ';
  const first = {
    none: '',
    own: `  a token    ${bold("TOKEN=$(tinysse-hub token --publish 'demo*' --subscribe 'demo*')")}   with the hub's secret\n`,
    foreign: `  a token    ${bold('TOKEN=…')}   from whoever holds the keys, with the claim "tinysse"\n`,
  }[token];
  // Whoever started the hub may have closed its stdout: no reason to end.
  out.on('error', () => {});
  out.write(`
${bold('tinysse-hub')} ${version} is running. Look at it: ${cyan(`${url}/`)}

${first}  subscribe  ${bold(`curl -N ${header}'${url}/events?channel=demo'`)}
  publish    ${bold(`curl ${header}-d 'hello' '${url}/publish?channel=demo'`)}

Events are kept ${place}.
There is room for ${clients} clients${files === undefined ? '' : ` and ${files} open files`}.

`);
}
