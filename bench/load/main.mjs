// The load generator: runs one scenario against a server on this machine and prints what it saw as one line of JSON.
// node main.mjs '{"scenario":"fanOut","port":7730,…}'; bench/lib/measure.mjs writes the specifications.
import { batch } from './scenarios/batch.mjs';
import { fanOut } from './scenarios/fan-out.mjs';
import { idle } from './scenarios/idle.mjs';
import { snapshot } from './scenarios/snapshot.mjs';
import { stalled } from './scenarios/stalled.mjs';
import { storm } from './scenarios/storm.mjs';

const scenarios = { batch, fanOut, idle, snapshot, stalled, storm };
const MOST_CLIENTS = 15_000;
const MOST_MS = 100_000;

const spec = JSON.parse(process.argv[2] ?? '{}');
const scenario = scenarios[spec.scenario];
if (!scenario) throw new Error(`there is no scenario ${spec.scenario}`);
if (!(spec.clients <= MOST_CLIENTS)) throw new Error(`at most ${MOST_CLIENTS} clients`);

setTimeout(() => {
  console.error(`${spec.scenario} was not done after ${MOST_MS / 1000} s`);
  process.exit(3);
}, MOST_MS).unref();

const result = await scenario(spec);
// Sockets are left to the end of the process: closing thousands one by one takes longer.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
