import type { RequestListener } from 'node:http';
import type { SSEServer } from 'tinysse';
import { createFakeClock } from 'tinysse/testing';
import { expect, test } from 'vitest';
import { start, stoppedClock, unbound } from './parts.js';
import { open } from './stream.js';

/** What h3 version 1 does with a request on Node: a signal that never fires, and writes to whatever the response has become. */
const asH3 =
  (event: boolean) =>
  (sse: SSEServer): RequestListener =>
  async (req, res) => {
    const request = new Request(`http://localhost${req.url}`);
    const response = await sse.respond(request, { channels: ['all'] }, event ? { node: { req, res } } : undefined);
    res.on('error', () => {});
    res.writeHead(response.status, Object.fromEntries(response.headers));
    void response.body?.pipeTo(new WritableStream({ write: (chunk) => void res.write(chunk) }));
  };

test('a client that leaves a framework which does not tell is seen by the event that comes with the request', async () => {
  const { sse, url } = await start({}, asH3(true));
  const stream = await open(url);
  await stream.until(() => stream.control('position').length > 0);
  stream.leave();
  while ((await sse.stats()).subscribers > 0) await new Promise(setImmediate);
});

test('a client that leaves a framework which does not tell is kept for a quarter of an hour at most', async () => {
  const clock = stoppedClock();
  const { sse, url } = await start({ clock, stallMs: 10_000_000 }, asH3(false));
  const stream = await open(url);
  await stream.until(() => stream.control('position').length > 0);
  stream.leave();
  clock.advance(14 * 60_000);
  expect((await sse.stats()).subscribers).toBe(1);
  clock.advance(2 * 60_000);
  expect((await sse.stats()).subscribers).toBe(0);
});

test('a stream lasts as long as its route says, also where nobody tells that its client has left', async () => {
  const clock = createFakeClock();
  const { sse } = unbound({ clock, stallMs: 10_000_000 });
  const expiresAt = clock.now() + 3_600_000;
  await sse.respond(new Request('http://localhost/'), { channels: ['all'], expiresAt });
  clock.advance(3_000_000);
  expect((await sse.stats()).subscribers).toBe(1);
  clock.advance(700_000);
  expect((await sse.stats()).subscribers).toBe(0);
});
