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

// The server calls snapshot() for a client that is new and for one that has missed events; any other gets the changes since.
const server = createServer((req, res) => sse.serve(req, res, { channels: ['prices'], snapshot })).listen(
  process.env.PORT ?? 3000,
  () => {
    console.log(`http://localhost:${server.address().port}/prices`);
  },
);

setInterval(() => {
  const price = prices.get('tea') + 1;
  prices.set('tea', price); // first the database,
  sse.publishEvent('price', JSON.stringify(['tea', price]), 'prices'); // then the event
}, 1_000);
