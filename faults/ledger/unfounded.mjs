import { brief } from './say.mjs';

/**
 * @typedef {object} Causes
 * @property {(channels: readonly string[]) => boolean} mayEvict - whether retention may have evicted from any of them
 */

/**
 * What no fault explains: a reset without a cause or to the wrong place, an epoch out of nowhere, an event that a
 * reader got twice.
 *
 * @param {import('./ledger.mjs').Ledger} ledger
 * @param {Causes} causes
 */
export function* unfounded(ledger, { mayEvict }) {
  const order = [...new Set(ledger.successions.flatMap(({ from, to }) => [from, to]))];
  for (const epoch of [...ledger.epochs.keys()].slice(1))
    if (!order.includes(epoch)) yield `epoch ${epoch} began without a cause`;
  const starts = new Map(order.map((epoch) => [epoch, startOf(ledger, epoch, order)]));
  for (const reader of ledger.readers) {
    for (const reset of reader.resets) {
      const start = starts.get(reset.to.epoch) ?? Number.POSITIVE_INFINITY;
      const why = judge(reset, { start, order, mayEvict: mayEvict(reader.channels), successions: ledger.successions });
      if (why) {
        const { reason, from, to, resumedAt } = reset;
        const said = `from ${from.epoch}-${from.offset} to ${to.epoch}-${to.offset}, whole after ${resumedAt}`;
        yield `${reader.name} got a reset (${reason}) ${said}: ${why}`;
      }
    }
    yield* twice(ledger, reader);
  }
}

/**
 * Where an epoch begins, as far as is known: the first event that it has and none before it. One that was only seen there
 * or sent more than once may have stood in the epoch before, with nobody having been told.
 * @param {import('./ledger.mjs').Ledger} ledger @param {string} epoch @param {readonly string[]} order - of epochs
 */
function startOf({ epochs }, epoch, order) {
  const earlier = new Set(order.slice(0, order.indexOf(epoch)));
  let start = Number.POSITIVE_INFINITY;
  for (const [offset, { places, outcome, tries }] of epochs.get(epoch) ?? []) {
    const isNew = outcome === 'accepted' && tries === 1 && !places.some((place) => earlier.has(place.epoch));
    if (isNew && offset < start) start = offset;
  }
  return start;
}

/**
 * @typedef {object} Circumstances
 * @property {number} start - of the epoch that the reset leads to
 * @property {readonly string[]} order - of epochs
 * @property {boolean} mayEvict
 * @property {readonly import('./ledger.mjs').Succession[]} successions
 */

/**
 * @param {import('./reader.mjs').Reset} reset
 * @param {Circumstances} circumstances
 * @returns {string | undefined} what is wrong with it
 */
function judge({ reason, from, to, resumedAt, healed, again }, { start, order, mayEvict, successions }) {
  if (reason === 'unknown') return 'every reader had a cursor of this log';
  if (reason === 'evicted') return mayEvict ? undefined : 'nothing was evicted';
  const [first, last] = [order.indexOf(from.epoch), order.indexOf(to.epoch)];
  if (first < 0 || last <= first) return 'these epochs do not follow each other';
  if (again || healed) return undefined;
  if (resumedAt > to.offset && !mayEvict) return 'it excuses more than there is cause for';
  const lossless = successions.every(({ from: before, to: after, lossless }) => {
    const crossed = order.indexOf(before) >= first && order.indexOf(after) <= last;
    return lossless || !crossed;
  });
  if (lossless && to.offset !== from.offset) return 'nothing was lost between the two';
  if (to.offset > from.offset) return 'it goes on later than it was';
  if (to.offset >= start) return `it goes on after events of the new epoch, which begins at ${start}`;
  return undefined;
}

/** @param {import('./ledger.mjs').Ledger} ledger @param {import('./reader.mjs').Reader} reader */
function* twice({ epochs }, { name, stretches }) {
  if (stretches.length < 2) return;
  const seen = new Set();
  for (const { epoch, seen: offsets, afterSnapshot } of stretches) {
    // What a client had before a snapshot counts no more.
    if (afterSnapshot) seen.clear();
    for (const offset of offsets) {
      const event = epochs.get(epoch)?.get(offset);
      // One that was sent twice may be in the log once more after the first was lost.
      if (event && seen.has(event) && event.tries === 1)
        yield `${name} got ${brief(event.data)} twice, again at ${epoch}-${offset}`;
      seen.add(event);
    }
  }
}
