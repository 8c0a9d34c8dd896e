import { setTimeout as wait } from 'node:timers/promises';
import { Session } from '../session.mjs';

/** Clients connect and nothing happens. */
export async function idle(spec) {
  const { clients, settleMs } = spec;
  // The first connections bring code and buffers into memory that no later one needs, and are served by code that is not
  // compiled yet.
  const first = new Session(spec);
  await first.connect(Math.min(2_000, clients));
  for (const client of first.clients) client.socket.destroy();
  await wait(settleMs);

  const session = new Session(spec);
  const memory = session.memory();
  const cpu = session.cpu();
  const began = performance.now();
  await session.connect(clients);
  const connectSeconds = (performance.now() - began) / 1000;
  const connectCpu = session.cpu() - cpu;
  await wait(settleMs);
  return {
    connectSeconds,
    cpuPerConnect: (connectCpu * 1e6) / clients,
    kibPerClient: (session.memory() - memory) / clients,
    violations: { closed: session.clients.filter(({ closed }) => closed).length },
  };
}
