import { authConnects, authDelivery } from './auth.mjs';
import batch from './batch.mjs';
import decode from './decode.mjs';
import fanOutFlatOut from './fan-out-flat-out.mjs';
import fanOutPaced from './fan-out-paced.mjs';
import fetchFlatOut from './fetch-flat-out.mjs';
import fetchPaced from './fetch-paced.mjs';
import { connects, idle } from './idle.mjs';
import { lineEnds } from './line-ends.mjs';
import manyChannels from './many-channels.mjs';
import publish from './publish.mjs';
import reading from './reading.mjs';
import reconnectStorm from './reconnect-storm.mjs';
import snapshot from './snapshot.mjs';
import stalled from './stalled.mjs';
import threeChannels from './three-channels.mjs';

/**
 * @typedef {{ title: string, figure(result: any): number, better?: 'more' | 'less' }} Column
 * @typedef {(name: string, column: Column) => number | undefined} Of - the median of a subject's figure
 * @typedef {object} Case
 * @property {string} name
 * @property {string} what - one line for people
 * @property {number} runs
 * @property {object} spec - what the load generator is told
 * @property {object} quick - what of it differs when only correctness counts
 * @property {Record<string, { subject: string }>} [variants] - names for a subject under another load
 * @property {Record<string, string>} [titles] - of subjects that are no servers
 * @property {string[]} subjects - ours first
 * @property {string[]} [lessOften] - those that no bar compares: measured in every fourth run
 * @property {Column[]} columns
 * @property {Column} [chart] - the column to draw
 * @property {string} [sharedWith] - the case whose runs serve this one as well
 * @property {(name: string, spec: any, root?: string) => Promise<any>} [measure] - instead of a server under load; `root`: the
 *   folder of the build
 * @property {(result: any) => string} [agree] - what must be equal in all results
 * @property {(of: Of) => import('../lib/bar.mjs').Bar[]} bars
 */

/** @type {Case[]} */
export const cases = [
  fanOutPaced,
  fanOutFlatOut,
  threeChannels,
  fetchFlatOut,
  fetchPaced,
  idle,
  connects,
  authConnects,
  authDelivery,
  manyChannels,
  stalled,
  reconnectStorm,
  snapshot,
  decode,
  lineEnds,
  reading,
  publish,
  batch,
];
