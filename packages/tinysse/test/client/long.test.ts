import { expect, test, vi } from 'vitest';
import { watch } from './source.js';

const LIMIT = 2 ** 24;

/** A stream of this text in pieces of 1 KiB. */
function inPieces(text: string): Response {
  const bytes = Buffer.from(text);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(sent, (sent += 1_024)));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

async function read(text: string) {
  const { client, log } = watch('http://unused.test/', { fetch: async () => inPieces(text) });
  const data: string[] = [];
  client.onMessage((message) => data.push(message.data));
  client.connect();
  await vi.waitFor(() => expect(log.at(-1)).toMatch(/ (retries|ends)$/), 20_000);
  return { data, end: log.at(-1), state: client.state };
}

// 16,384 pieces: work that grew with the square of the length would not be done in the test's time.
test('a line of 16 MiB arrives whole, in however many pieces', async () => {
  const { data, end } = await read(`data:${'x'.repeat(LIMIT - 5)}\n\n`);
  expect([data.length, data[0]?.length, end]).toEqual([1, LIMIT - 5, 'NETWORK retries']);
});

test('a line of more ends the client with LINE_TOO_LONG, after the events before it', async () => {
  const { data, end, state } = await read(`data: before\n\ndata:${'x'.repeat(LIMIT)}\n\n`);
  expect([data, end, state]).toEqual([['before'], 'LINE_TOO_LONG ends', 'closed']);
});

test('an event of more, in however many lines, ends it with EVENT_TOO_LONG', async () => {
  const line = `data:${'x'.repeat(LIMIT / 4)}\n`;
  const { data, end, state } = await read(`data: before\n\n${line.repeat(4)}\n`);
  expect([data, end, state]).toEqual([['before'], 'EVENT_TOO_LONG ends', 'closed']);
});
