// node read.mjs callbacks|loop MEBIBYTES: a client reads a stream; prints how fast, and how many events it got.
import { createSSEClient } from 'tinysse/client';
import { eventStream } from './stream.mjs';

const SLICE = 64 * 1024;
const [how, mebibytes] = [process.argv[2], Number(process.argv[3])];
const bytes = eventStream(mebibytes * 2 ** 20);

/** Answers once with the stream, then with 204, which ends the client. */
function answers() {
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(new Uint8Array(bytes.subarray(at, (at += SLICE))));
    },
  });
  const list = [
    new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
    new Response(null, { status: 204 }),
  ];
  return async () => list.shift();
}

/** @returns seconds of CPU, and the number of events */
async function read() {
  const client = createSSEClient({ endpoint: 'http://bench.test/', fetch: answers(), retryInterval: 1 });
  let events = 0;
  const began = process.cpuUsage();
  if (how === 'loop') for await (const _ of client) events++;
  else
    await new Promise((resolve) => {
      client.onMessage(() => events++);
      client.onStateChange((state) => state === 'closed' && resolve());
      client.connect();
    });
  const { user, system } = process.cpuUsage(began);
  return { seconds: (user + system) / 1e6, events };
}

// Warm: the first pass compiles.
await read();
const { seconds, events } = await read();
console.log(
  JSON.stringify({ megabytesPerSecond: bytes.length / 1e6 / seconds, found: `${events} events`, violations: {} }),
);
