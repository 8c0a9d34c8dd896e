import { setTimeout as wait } from 'node:timers/promises';
import { check } from '../check.mjs';
import { Session } from '../session.mjs';

/** The longest that events are published as fast as they are taken. */
const WARM_MS = 2_000;
const MOST_MS = 2_500;

/** Clients are there; events come, paced or as fast as they are taken, until there were enough or time is up. */
export async function fanOut(spec) {
  const { clients, publishers, warm, count, rate = 0, warmRate = rate, warmMs = WARM_MS, warmPosts = 0 } = spec;
  const session = new Session(spec);
  const most = (events, rate, ms) => (rate > 0 ? (events / rate) * 1_200 : ms);
  await session.connect(clients);
  const publisher = await session.publisher();
  // Of a few large fan-outs publishing is a small part, unless its code is compiled while they are measured.
  if (warmPosts > 0) await publisher.publish(warmPosts, 0, WARM_MS, ['nobody']);
  if (warm > 0) {
    await publisher.publish(warm, warmRate, most(warm, warmRate, warmMs));
    await session.delivered();
    await wait(200);
  }
  const measured = session.measure();
  const events = await publisher.publish(count, rate, most(count, rate, MOST_MS));
  await session.delivered();
  const figures = measured();
  return {
    ...figures,
    events,
    cpuPerEvent: (figures.cpuSeconds * 1e6) / events,
    violations: check({ clients: session.clients, targets: session.targets, publisher, connections: publishers }),
  };
}
