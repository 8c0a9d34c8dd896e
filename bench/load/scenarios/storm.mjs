import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { check } from '../check.mjs';
import { microseconds } from '../mark.mjs';
import { Session } from '../session.mjs';

const LIVE = 100;

/** Clients come back all at once, all behind by as many events, while others are live. */
export async function storm(spec) {
  const { clients, behind, rate } = spec;
  const session = new Session(spec);
  const publisher = await session.publisher(1);
  await publisher.publish(1);
  const lastEventId = publisher.lastId;
  await publisher.publish(behind);
  const workerData = { spec, clients: LIVE, rate, published: session.targets.length };
  const live = new Worker(new URL('../live.mjs', import.meta.url), { workerData });
  await once(live, 'message');

  const measured = session.measure();
  const began = microseconds();
  const returned = await session.connectAtOnce(clients, { lastEventId });
  while (!returned.every(({ count, closed }) => count >= behind || closed)) await turn();
  const caughtUp = (microseconds() - began) / 1e6;
  live.postMessage('stop');
  const [{ published, latency, violations: missed }] = await once(live, 'message');
  while (session.targets.length < published) session.targets.push(session.targets[0]);
  const patience = performance.now() + 8_000;
  while (!returned.every(({ count }) => count >= published - 1) && performance.now() < patience) await turn();
  const figures = measured();
  for (const client of returned) {
    // What it had seen before it left.
    client.numbers = Int32Array.from([0, ...client.numbers.subarray(0, client.count)]);
    client.count++;
  }
  const missing = check({ clients: returned, targets: session.targets, publisher, connections: 1 });
  const violations = Object.fromEntries(Object.keys(missed).map((name) => [name, missed[name] + missing[name]]));
  return { ...figures, latency, caughtUpSeconds: caughtUp, violations };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
