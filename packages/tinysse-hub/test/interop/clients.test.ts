import { createSSEClient, type SSEClient, type SSEMessage } from 'tinysse/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Built, GO_BUILD_MS } from '../../../tinysse/test/go.js';
import { describeWith } from '../../../tinysse/test/programs.js';
import { run, start } from '../program.js';
import { buildServer, type Peer, startGo, startLibrary } from './peers.js';
import { dataOf, PUBLISHES } from './publishes.js';

let server: Built;

/** A client that has heard the server. */
async function listen(peer: Peer, lastEventId?: string): Promise<{ client: SSEClient; seen: SSEMessage[] }> {
  const client = createSSEClient({
    endpoint: `${peer.url}/events?channel=a&channel=b`,
    ...(lastEventId && { lastEventId }),
  });
  onTestFinished(() => client.close());
  const seen: SSEMessage[] = [];
  client.onMessage((message) => seen.push(message));
  await connect(peer, client, seen);
  return { client, seen };
}

/** Of the Go server no byte says that the subscription stands. */
async function connect(peer: Peer, client: SSEClient, seen: SSEMessage[]): Promise<void> {
  let heard = false;
  const off = client.onMessage(() => (heard = true));
  client.connect();
  while (!heard) await peer.publish({ data: 'joined?' });
  off();
  await peer.publish({ data: 'joined' });
  await vi.waitFor(() => expect(seen.at(-1)?.data).toBe('joined'));
  seen.length = 0;
}

const received = (seen: SSEMessage[], count: number) => vi.waitFor(() => expect(seen).toHaveLength(count));

describeWith(['go'], 'on the Go server of interop/', () => {
  beforeAll(async () => {
    server = await buildServer();
  }, GO_BUILD_MS);
  afterAll(() => server?.remove());

  test('the client gets unnamed and named events, lines, and several channels', async () => {
    const peer = await startGo(server);
    const { seen } = await listen(peer);
    for (const [, what] of PUBLISHES) await peer.publish(what);
    await received(seen, PUBLISHES.length);
    expect(seen.map(({ event, data }) => [event, data])).toEqual(
      PUBLISHES.map(([, what]) => [what.event ?? 'message', dataOf(what)]),
    );
    const ids = seen.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.map((_, i) => ids[0]! + i));
  });

  test('the client goes on after its last id', async () => {
    const peer = await startGo(server);
    const { client, seen } = await listen(peer);
    await peer.publish({ data: 'first' });
    await received(seen, 1);
    client.close();
    const id = Number(seen[0]!.id);
    await peer.publish({ data: 'missed' });
    client.connect();
    await received(seen, 2);
    expect(seen.map(({ id, data }) => [id, data])).toEqual([
      [`${id}`, 'first'],
      [`${id + 1}`, 'missed'],
    ]);
  });

  test('the client ends on a refusal, and tries again where no provider is configured', async () => {
    const { url } = await startGo(server);
    const outcome = (path: string) =>
      new Promise((resolve) => {
        const client = createSSEClient({ endpoint: url + path });
        onTestFinished(() => client.close());
        client.onError(({ code, status, message, willRetry }) => resolve({ code, status, message, willRetry }));
        client.connect();
      });
    expect(await outcome('/events')).toMatchObject({ code: 'HTTP_STATUS', status: 401, willRetry: false });
    expect(await outcome('/unprovided')).toMatchObject({ code: 'HTTP_STATUS', status: 500, willRetry: true });
  });

  test('tail prints its events, begins after an id, ends on a refusal, and tries again where no provider is', async () => {
    const peer = await startGo(server);
    for (const data of ['one', 'two', 'three\nlines']) await peer.publish({ data });
    const stream = start(['tail', `${peer.url}/events?channel=a`, '--last-event-id', '1']);
    await stream.until(({ stdout }) => stdout === 'two\nthree\nlines\n');
    await peer.publish({ event: 'update', data: 'four' });
    await stream.until(({ stdout }) => stdout === 'two\nthree\nlines\nfour\n');
    const refused = await run(['tail', `${peer.url}/events`]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: .*401/) });
    const waiting = start(['tail', `${peer.url}/unprovided`]);
    await waiting.until(({ stderr }) => /500.*reconnecting/.test(stderr));
  });

  test('a client without an id gets the whole history where all is to be replayed, as on our server', async () => {
    const options = { replayAllOnConnect: true };
    for (const peer of [await startGo(server, ['--replay-all']), await startLibrary(options)]) {
      for (const data of ['one', 'two']) await peer.publish({ data });
      const client = createSSEClient({ endpoint: `${peer.url}/events?channel=a` });
      onTestFinished(() => client.close());
      const seen: string[] = [];
      client.onMessage(({ data }) => seen.push(data));
      client.connect();
      await vi.waitFor(() => expect(seen).toEqual(['one', 'two']));
    }
  });

  test('a reader that is slow loses the newest events and hears nothing of it; on our server it gets all', async () => {
    const lost = await slowly(await startGo(server), (answer) => answer !== '0');
    expect(Number(lost.at(-1)!.id) - Number(lost[0]!.id)).toBeGreaterThan(lost.length - 1);
    const ours = await slowly(await startLibrary(), (_, count) => count > lost.length + 100);
    const flood = ours.slice(0, -1).map(({ data }) => Number.parseInt(data, 10));
    expect(flood).toEqual(flood.map((_, i) => flood[0]! + i));
    expect(flood.length).toBeGreaterThan(lost.length);
  });
});

/**
 * Floods a loop that has taken one message and takes no more, until `enough`; then it takes the rest.
 * @returns all that it got, the last one published after the flood
 */
async function slowly(peer: Peer, enough: (answer: string, count: number) => boolean): Promise<SSEMessage[]> {
  const got: SSEMessage[] = [];
  let count = 0;
  const publish = () => peer.publish({ data: `${count++} ${'.'.repeat(2 ** 16)}` });

  const client = createSSEClient({ endpoint: `${peer.url}/events?channel=a` });
  onTestFinished(() => client.close());
  const loop = client[Symbol.asyncIterator]();
  const take = async () => void got.push((await loop.next()).value as SSEMessage);
  const first = take();
  while (got.length === 0) await publish();
  await first;
  while (!enough(await publish(), count)) if (count > 2_000) throw new Error('nothing was slow');

  const rest = (async () => {
    while (got.at(-1)!.data !== 'end') await take();
  })();
  // What is published now arrives, at the latest when what waits has been taken.
  while (got.at(-1)!.data !== 'end') await peer.publish({ data: 'end' });
  await rest;
  return got;
}
