// Two servers as README shows them, on Bun with what it does by itself to silent connections. Prints their addresses.
import { createSSEServer } from 'tinysse';

const all = { channelProvider: { resolveChannels: () => ['all'] } };
const byDefault = createSSEServer(all);
const slow = createSSEServer({ ...all, heartbeatMs: 15_000 });

const servers = [
  Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => byDefault.fetch(request) }),
  Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: slow.fetch }),
];
console.log(JSON.stringify(servers.map(({ url }) => String(url))));
