import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { check } from '../check.mjs';
import { microseconds } from '../mark.mjs';
import { serveRows } from '../rows.mjs';
import { Session } from '../session.mjs';

const LIVE = 100;
const PATIENCE_MS = 60_000;

/** Clients without a position come all at once, and each needs a snapshot, while others are live. */
export async function snapshot(spec) {
  const { clients, rate, snapshotPort } = spec;
  if (snapshotPort !== undefined) await serveRows(snapshotPort);
  const session = new Session(spec);
  const publisher = await session.publisher(1);
  await publisher.publish(1);
  // With a position they need no snapshot: they are live before the crowd comes.
  const { lastId: lastEventId } = publisher;
  const workerData = { spec, clients: LIVE, rate, published: session.targets.length, lastEventId };
  const live = new Worker(new URL('../live.mjs', import.meta.url), { workerData });
  await once(live, 'message');

  const measured = session.measure();
  const began = microseconds();
  const crowd = await session.connectAtOnce(clients);
  const late = performance.now() + PATIENCE_MS;
  // The first event that has a number: the last of a snapshot, or one after it.
  while (!crowd.every(({ count, closed }) => count > 0 || closed) && performance.now() < late) await turn();
  const served = (microseconds() - began) / 1e6;
  live.postMessage('stop');
  const [{ published, latency, violations: missed }] = await once(live, 'message');
  while (session.targets.length < published) session.targets.push(session.targets[0]);
  const patience = performance.now() + 8_000;
  const hasAll = ({ count, numbers }) => count > 0 && numbers[count - 1] === published - 1;
  while (!crowd.every(hasAll) && performance.now() < patience) await turn();
  const figures = measured();
  for (const client of crowd) assumeState(client);
  const missing = check({ clients: crowd, targets: session.targets, publisher, connections: 1 });
  const violations = Object.fromEntries(Object.keys(missed).map((name) => [name, missed[name] + missing[name]]));
  return { ...figures, latency, servedSeconds: served, violations };
}

/** A snapshot stands for all events before the first that a client got. */
function assumeState(client) {
  const first = client.count > 0 ? client.numbers[0] : 0;
  const before = Int32Array.from({ length: first }, (_, number) => number);
  client.numbers = Int32Array.from([...before, ...client.numbers.subarray(0, client.count)]);
  client.count += first;
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
