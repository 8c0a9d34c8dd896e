import { setTimeout as wait } from 'node:timers/promises';
import { Session } from '../session.mjs';

/** Half of the clients stop reading, and read again when much has been published. */
export async function stalled(spec) {
  const { clients, stalling, fill, count, rate, retained, settleMs } = spec;
  const session = new Session(spec);
  await session.connect(clients, { watchResets: true });
  const sleepers = session.clients.slice(0, stalling);
  const readers = session.clients.slice(stalling);
  const publisher = await session.publisher(1);
  for (const client of sleepers) {
    client.timed = false;
    client.socket.pause();
  }
  // Until the kernel's buffers are full nothing shows in the server.
  await publisher.publish(fill, rate);
  await caughtUp(readers, session.targets.length);
  await wait(settleMs);
  const before = session.memory();
  const measured = session.measure();
  await publisher.publish(count, rate);
  await caughtUp(readers, session.targets.length);
  const figures = measured();
  await wait(settleMs);
  const grown = session.memory() - before;
  for (const client of sleepers) client.socket.resume();
  const total = session.targets.length;
  await caughtUp(sleepers, total);

  const violations = { lost: 0, unannounced: 0, disordered: 0, closed: 0, refused: publisher.refused };
  for (const client of readers) judge(client, total, 0, violations);
  for (const client of sleepers) judge(client, total, retained, violations);
  return {
    ...figures,
    grownKiB: grown,
    resets: sleepers.filter((client) => client.resets.length > 0).length,
    violations,
  };
}

/** Waits until every client has seen the last event, or nothing more comes. */
async function caughtUp(clients, total) {
  let before = -1;
  let since = performance.now();
  for (;;) {
    let sum = 0;
    let complete = true;
    for (const client of clients) {
      sum += client.count;
      complete &&= client.numbers[client.count - 1] === total - 1;
    }
    if (complete) return;
    if (sum !== before) {
      before = sum;
      since = performance.now();
    } else if (performance.now() - since > 8_000) return;
    await wait(10);
  }
}

/** One run without holes, or with as many as resets told of, each followed by all that is retained. */
function judge(client, total, retained, violations) {
  let next = 0;
  let gaps = 0;
  for (const number of client.numbers.subarray(0, client.count)) {
    if (number < next) violations.disordered++;
    else if (number > next) {
      gaps++;
      if (retained === 0 || number > total - retained) violations.lost += number - next;
    }
    next = Math.max(next, number + 1);
  }
  violations.lost += total - next;
  violations.unannounced += Math.max(0, gaps - client.resets.length);
  violations.closed += client.closed ? 1 : 0;
}
