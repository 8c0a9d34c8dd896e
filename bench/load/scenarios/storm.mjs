import { check } from '../check.mjs';
import { microseconds } from '../mark.mjs';
import { Session } from '../session.mjs';

const LIVE = 100;

/** Clients come back all at once, all behind by as many events, while others are live. */
export async function storm(spec) {
  const { clients, behind, rate } = spec;
  const session = new Session(spec);
  const live = await session.connect(LIVE);
  const publisher = await session.publisher(1);
  await publisher.publish(1);
  const lastEventId = publisher.lastId;
  await publisher.publish(behind);
  await session.delivered();

  const measured = session.measure();
  let stop = false;
  const publishing = (async () => {
    while (!stop) await publisher.publish(rate / 20, rate);
  })();
  const began = microseconds();
  const returned = await session.connectAtOnce(clients, { lastEventId, timed: false });
  while (!returned.every(({ count, closed }) => count >= behind || closed)) await turn();
  const caughtUp = (microseconds() - began) / 1e6;
  stop = true;
  await publishing;
  const expected = session.targets.length;
  const patience = performance.now() + 8_000;
  const complete = () =>
    returned.every(({ count }) => count >= expected - 1) && live.every(({ count }) => count >= expected);
  while (!complete() && performance.now() < patience) await turn();
  const figures = measured();
  const missed = check({ clients: live, targets: session.targets, publisher, connections: 1 });
  for (const client of returned) {
    // What it had seen before it left.
    client.numbers = Int32Array.from([0, ...client.numbers.subarray(0, client.count)]);
    client.count++;
  }
  const missing = check({ clients: returned, targets: session.targets, publisher, connections: 1 });
  const violations = Object.fromEntries(Object.keys(missed).map((name) => [name, missed[name] + missing[name]]));
  return { ...figures, caughtUpSeconds: caughtUp, violations };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
