// A process of its own for never-reads.test.ts: its memory is a server's and nothing else. Run with --expose-gc.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSSEServer, memoryLog } from 'tinysse';

const sse = createSSEServer({
  channelProvider: { resolveChannels: () => ['all'] },
  log: memoryLog({ maxBytes: 8 * 2 ** 20 }),
});
let published = 0;

async function publish(count: number): Promise<void> {
  for (const end = published + count; published < end; published++) {
    // A buffer of its own for each: a string made by repetition shares its memory with others.
    await sse.publish(Buffer.alloc(10_000, String(published).padStart(10, '0')), 'all');
    if (published % 20 === 0) await new Promise(setImmediate);
  }
}

async function used(): Promise<number> {
  for (let n = 0; n < 5; n++) {
    await new Promise(setImmediate);
    globalThis.gc?.();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

process.on('message', async (message: { publish?: number }) => {
  if (message.publish) await publish(message.publish);
  process.send?.({ used: await used(), stats: await sse.stats() });
});

const http = createServer(sse.handler).listen(0, '127.0.0.1', () => {
  process.send?.({ port: (http.address() as AddressInfo).port });
});
