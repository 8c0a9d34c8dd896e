import { parseArgs } from 'node:util';

export const USAGE = `npm run test:faults -- [--seconds N] [--seed S] [--store lmdb|redis|both]

Runs the hub program, Redis, browsers and other clients, lets every kind of fault befall them for so long (60 s), and
then balances the books: every acknowledged event once and in order to everyone, or a reset that says otherwise.`;

/** @typedef {{ seconds: number, seed: number, stores: readonly ('lmdb' | 'redis')[] }} Options */

/** @param {string[]} args @returns {Options} @throws Error saying what is wrong */
export function readOptions(args) {
  const { seconds, seed, store } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      store: { type: 'string', default: 'both' },
    },
  }).values;
  if (!(Number(seconds) > 0)) throw new Error(`--seconds ${seconds}: must be a positive number`);
  if (!Number.isSafeInteger(Number(seed))) throw new Error(`--seed ${seed}: must be a whole number`);
  if (store !== 'lmdb' && store !== 'redis' && store !== 'both')
    throw new Error(`--store ${store}: must be lmdb, redis or both`);
  return { seconds: Number(seconds), seed: Number(seed), stores: store === 'both' ? ['lmdb', 'redis'] : [store] };
}
