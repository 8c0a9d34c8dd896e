// node examples/cluster/run.mjs        (needs redis-server and haproxy, for example: apt-get install redis-server haproxy)
//
// Three hubs behind a load balancer without sticky sessions, one log in Redis. Clients are connected and events are
// published through the balancer all the time, while one hub after another is killed and comes back. At the end it says
// what every client has received.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSSEClient } from 'tinysse/client';
import { freePorts, killAll, start } from './programs.mjs';

const NAMES = ['ann', 'bob', 'cleo'];
const CLIENTS = 9;

const dir = await mkdtemp(join(tmpdir(), 'tinysse-cluster-'));
const clients = [];
let failed = true;
const deadline = setTimeout(() => finish(new Error('not done within a minute')), 60_000);
process.once('SIGINT', () => finish(new Error('interrupted')));

async function finish(error) {
  clearTimeout(deadline);
  for (const client of clients) client.close();
  killAll();
  await rm(dir, { recursive: true, force: true });
  if (error) console.error(error.message);
  process.exit(error ? 1 : 0);
}

try {
  const [redisPort, front, ...hubPorts] = await freePorts(2 + NAMES.length);
  await start(
    'redis-server',
    'redis-server',
    ['--port', redisPort, '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
    {
      ready: /Ready to accept connections/,
    },
  );
  const startHub = (i) =>
    start(NAMES[i], process.execPath, [fileURLToPath(new URL('hub.mjs', import.meta.url))], {
      ready: /ready/,
      env: { NAME: NAMES[i], PORT: String(hubPorts[i]), REDIS_URL: `redis://127.0.0.1:${redisPort}` },
    });
  const hubs = await Promise.all(NAMES.map((_, i) => startHub(i)));

  // Round robin: whoever reconnects meets another hub. `redispatch` tries the next one when a hub is gone.
  const config = `
defaults
  mode http
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  retries 3
  option redispatch 1
frontend front
  bind 127.0.0.1:${front}
  default_backend hubs
backend hubs
  balance roundrobin
${NAMES.map((name, i) => `  server ${name} 127.0.0.1:${hubPorts[i]} check inter 200ms fall 1 rise 1`).join('\n')}
`;
  await writeFile(join(dir, 'haproxy.cfg'), config);
  await start('haproxy', 'haproxy', ['-db', '-f', join(dir, 'haproxy.cfg')]);
  const url = `http://127.0.0.1:${front}/`;
  for (let up = false; !up; await sleep(50))
    up = await fetch(url, { method: 'HEAD' }).then(
      (r) => r.ok,
      () => false,
    );
  console.log(`redis-server, ${NAMES.length} hubs (${NAMES.join(', ')}) and haproxy are up at ${url}`);

  const received = Array.from({ length: CLIENTS }, () => []);
  const moves = Array.from({ length: CLIENTS }, () => []);
  const resets = [];
  for (let i = 0; i < CLIENTS; i++) {
    const watched = async (...args) => {
      const response = await fetch(...args);
      moves[i].push(response.headers.get('x-hub') ?? '?');
      return response;
    };
    const client = createSSEClient({ endpoint: url, retryInterval: 100, fetch: watched });
    client.onMessage(({ data }) => received[i].push(data));
    client.onReset((reset) => resets.push(reset));
    client.onError(() => {}); // It connects again by itself.
    clients.push(client);
    await new Promise((resolve) => {
      client.onOpen(resolve);
      client.connect();
    });
  }

  const published = [];
  let publishing = true;
  const publisher = (async () => {
    while (publishing) {
      const body = String(published.length);
      const send = () => fetch(url, { method: 'POST', body, headers: { 'idempotency-key': body } });
      while (
        !(await send().then(
          (response) => response.ok,
          () => false,
        ))
      )
        await sleep(20);
      published.push(body);
      await sleep(2);
    }
  })();

  for (const [i, name] of NAMES.entries()) {
    await sleep(700);
    hubs[i].kill('SIGKILL');
    console.log(`killed ${name}; ${published.length} events published so far`);
    await sleep(700);
    hubs[i] = await startHub(i);
    console.log(`${name} is back`);
  }
  publishing = false;
  await publisher;
  while (received.some((data) => data.at(-1) !== published.at(-1))) await sleep(20);

  const whole = JSON.stringify(published);
  for (let i = 0; i < CLIENTS; i++) {
    const verdict = JSON.stringify(received[i]) === whole ? 'all, once, in order' : `${received[i].length} events`;
    console.log(`client ${i} on ${moves[i].join(' → ')}: ${verdict}`);
  }
  failed = resets.length > 0 || received.some((data) => JSON.stringify(data) !== whole);
  console.log(`${published.length} events to ${CLIENTS} clients, ${resets.length} resets`);
  await finish(failed ? new Error('an event was lost, doubled or out of order') : undefined);
} catch (error) {
  await finish(error);
}
