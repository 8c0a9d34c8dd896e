import { type IncomingMessage, request } from 'node:http';
import { type HttpBindings, serve } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { createSSEServer } from 'tinysse';
import { expect, onTestFinished, test } from 'vitest';

const ways = ['by fetch', "by Node's own response"] as const;

/** An app whose server of streams a test can look into; connects one client, which takes the headers only. */
async function connect(way: (typeof ways)[number]) {
  const sse = createSSEServer({ channelProvider: { resolveChannels: () => ['all'] } });
  const app = new Hono<{ Bindings: HttpBindings }>().get('/events', (c) => {
    if (way === 'by fetch') return sse.fetch(c.req.raw, c);
    void sse.serve(c.env.incoming, c.env.outgoing, { channels: ['all'] });
    return RESPONSE_ALREADY_SENT;
  });
  const port = await new Promise<number>((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0 }, (address) => resolve(address.port));
    onTestFinished(() => void server.close());
  });
  const client = request({ port, path: '/events', agent: false }).end();
  client.on('error', () => {});
  onTestFinished(() => void client.destroy());
  const response = await new Promise<IncomingMessage>((resolve) => client.once('response', resolve));
  return { sse, client, response };
}

const turn = () => new Promise(setImmediate);

test.each(ways)('behind Hono on Node, %s, a client that leaves is let go', async (way) => {
  const { sse, client } = await connect(way);
  expect((await sse.stats()).subscribers).toBe(1);
  client.destroy();
  while ((await sse.stats()).subscribers > 0) await turn();
});

test.each(ways)('behind Hono on Node, %s, a client that does not read is behind in the log', async (way) => {
  const { sse, response } = await connect(way);
  const big = 'x'.repeat(50_000);
  for (let n = 0; n < 400; n++) {
    await sse.publish(`${n} ${big}`, 'all');
    await turn();
  }
  await sse.publish('end', 'all');
  const { behind, delivered } = await sse.stats();
  expect(behind).toBe(1);
  expect(delivered).toBeLessThan(390);
  let text = '';
  for await (const piece of response.setEncoding('utf8')) {
    text += piece;
    if (text.endsWith('data: end\n\n')) break;
  }
  expect(text.match(/^data: \d+ x/gm)).toHaveLength(400);
});
