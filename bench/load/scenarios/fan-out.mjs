import { setTimeout as wait } from 'node:timers/promises';
import { check } from '../check.mjs';
import { Session } from '../session.mjs';

/** Clients are there; events come, paced or as fast as they are taken. */
export async function fanOut(spec) {
  const { clients, publishers, warm, count, rate = 0 } = spec;
  const session = new Session(spec);
  await session.connect(clients);
  const publisher = await session.publisher();
  if (warm > 0) {
    await publisher.publish(warm, rate);
    await session.delivered();
    await wait(200);
  }
  const measured = session.measure();
  await publisher.publish(count, rate);
  await session.delivered();
  const figures = measured();
  return {
    ...figures,
    cpuPerEvent: (figures.cpuSeconds * 1e6) / count,
    violations: check({ clients: session.clients, targets: session.targets, publisher, connections: publishers }),
  };
}
