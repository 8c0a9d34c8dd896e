import { brief } from './say.mjs';

/**
 * What readers should have seen and did not.
 * @param {import('./ledger.mjs').Ledger} ledger
 */
export function* missing({ epochs, readers }) {
  const index = new Map([...epochs].map(([epoch, events]) => [epoch, byChannel(events)]));
  for (const { name, channels, stretches } of readers) {
    for (const stretch of stretches) {
      const { epoch, from, to, excused, seen } = stretch;
      const got = new Set(seen);
      const told = new Set();
      for (const channel of channels) {
        const offsets = index.get(epoch)?.get(channel) ?? [];
        for (
          let i = firstAbove(offsets, Math.max(from, excused, lostBefore(stretch, channel, offsets)));
          i < offsets.length && offsets[i] <= to;
          i++
        ) {
          const offset = offsets[i];
          if (got.has(offset) || told.has(offset)) continue;
          told.add(offset);
          const event = epochs.get(epoch)?.get(offset);
          yield `${name} missed ${epoch}-${offset}, ${brief(event?.data ?? '')} (${event?.outcome}), silently, between ${from} and ${to}`;
        }
      }
    }
  }
}

/**
 * What a channel had lost before a stretch from `earliest` began.
 * @param {import('./reader.mjs').Stretch} stretch @param {string} channel @param {readonly number[]} offsets - the channel's, ascending
 */
function lostBefore({ earliest, floors, seen, to }, channel, offsets) {
  if (!earliest) return 0;
  if (floors) return floors.get(channel) ?? 0;
  const got = new Set(seen);
  const first = offsets.find((offset) => got.has(offset));
  return first === undefined ? to : first - 1;
}

/** @param {Map<number, import('./ledger.mjs').Event>} events */
function byChannel(events) {
  /** @type {Map<string, number[]>} */
  const index = new Map();
  for (const [offset, { channels }] of events)
    for (const channel of channels) {
      const offsets = index.get(channel);
      if (offsets) offsets.push(offset);
      else index.set(channel, [offset]);
    }
  for (const offsets of index.values()) offsets.sort((a, b) => a - b);
  return index;
}

/** @param {readonly number[]} offsets - ascending @param {number} offset */
function firstAbove(offsets, offset) {
  let [low, high] = [0, offsets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle] <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
