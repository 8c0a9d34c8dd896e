/**
 * Snapshots that miss something: every event of a channel up to the position that follows a snapshot must be in it.
 * @param {import('./ledger.mjs').Ledger} ledger
 */
export function* outdated({ epochs, readers }) {
  /** @type {Map<string, Map<string, Newest[]>>} */
  const index = new Map([...epochs].map(([epoch, events]) => [epoch, newestByChannel(events)]));
  for (const { name, channels, snapshots } of readers)
    for (const { at, rows } of snapshots)
      for (const channel of channels) {
        const shown = rows.get(channel);
        const due = newestUpTo(index.get(at.epoch)?.get(channel) ?? [], at.offset);
        if (shown === undefined) yield `${name} got a snapshot at ${at.epoch}-${at.offset} without ${channel}`;
        else if (due > shown)
          yield `${name} got a snapshot at ${at.epoch}-${at.offset} with ${channel} ${shown}, and change ${due} was published by then`;
      }
}

/** @typedef {{ offset: number, serial: number }} Newest - the highest serial number up to an offset */

/** @param {Map<number, import('./ledger.mjs').Event>} events */
function newestByChannel(events) {
  /** @type {Map<string, Newest[]>} */
  const index = new Map();
  for (const [offset, { channels, serial = -1 }] of [...events].sort(([a], [b]) => a - b))
    for (const channel of channels) {
      const newest = index.get(channel) ?? [];
      index.set(channel, newest);
      newest.push({ offset, serial: Math.max(serial, newest.at(-1)?.serial ?? -1) });
    }
  return index;
}

/** @param {readonly Newest[]} newest - by offset @param {number} offset */
function newestUpTo(newest, offset) {
  let [low, high] = [0, newest.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (newest[middle].offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : newest[low - 1].serial;
}
