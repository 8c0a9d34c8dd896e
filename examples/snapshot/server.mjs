// PORT=3000 node examples/snapshot/server.mjs, then: curl -N localhost:3000/prices
import { createServer } from 'node:http';
import { createSSEServer } from 'tinysse';

const sse = createSSEServer();
const prices = new Map([
  ['tea', 300],
  ['milk', 120],
]);

/** Every price, as it is now. It could read them from a database, row by row: rows are pulled as the client takes them. */
async function* snapshot() {
  for (const price of prices) yield { event: 'price', data: JSON.stringify(price) };
}

const server = createServer(async (req, res) => {
  // The cursor is taken before the snapshot is read: a change in between comes twice, never not at all.
  const from = await sse.cursor();
  // A client that resumes has its snapshot: it gets the changes since, or a tinysse:reset, and then connects anew.
  const source = req.headers['last-event-id'] ? undefined : snapshot();
  await sse.serve(req, res, { channels: ['prices'], from, source });
}).listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}/prices`);
});

setInterval(() => {
  prices.set('tea', prices.get('tea') + 1);
  sse.publishEvent('price', JSON.stringify(['tea', prices.get('tea')]), 'prices');
}, 1_000);
