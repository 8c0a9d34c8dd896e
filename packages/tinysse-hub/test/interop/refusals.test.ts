import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Built, GO_BUILD_MS } from '../../../tinysse/test/go.js';
import { describeWith } from '../../../tinysse/test/programs.js';
import { open } from '../../../tinysse/test/server/stream.js';
import { buildServer, type Peer, type Publish, startGo, startLibrary } from './peers.js';

const LONG = 'x'.repeat(256);
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `c${i}`);

/** What a publish to channels that have a subscriber comes to on ours; the Go server sends it. */
const PUBLISHES: [title: string, what: Publish, code: string][] = [
  ['an event of more than 1 MiB', { data: 'x'.repeat(2 ** 20) }, 'EVENT_TOO_LARGE'],
  ['a name of more than 128 bytes', { event: LONG, data: '' }, 'INVALID_EVENT'],
  ['a name with a line end', { event: 'x\ndata: forged', data: '' }, 'INVALID_EVENT'],
  ['a name with another control character', { event: 'x\u0001', data: '' }, 'INVALID_EVENT'],
  ["a name of our server's own events", { event: 'tinysse:reset', data: '' }, 'RESERVED_EVENT'],
  ['a channel with a control character', { channels: ['a', 'x\u0001'], data: '' }, 'INVALID_CHANNEL'],
  ['a channel of more than 255 bytes', { channels: ['a', LONG], data: '' }, 'INVALID_CHANNEL'],
  ['a channel without a name', { channels: ['a', ''], data: '' }, 'INVALID_CHANNEL'],
  ['more than 1,024 channels', { channels: ['a', ...many(1_024)], data: '' }, 'TOO_MANY_CHANNELS'],
];

const SUBSCRIPTIONS: [title: string, channels: string[]][] = [
  ['more than 128 channels', ['a', ...many(128)]],
  ['a channel with a control character', ['a', 'x\u0001']],
  ['a channel of more than 255 bytes', ['a', LONG]],
  ['a channel without a name', ['a', '']],
];

describeWith(['go'], 'what the Go server of interop/ takes and ours refuses', () => {
  let server: Built;
  beforeAll(async () => {
    server = await buildServer();
  }, GO_BUILD_MS);
  afterAll(() => server?.remove());

  test.each(PUBLISHES)('%s is published there', async (_, what, code) => {
    const peer = await startGo(server);
    const stream = await subscribe(peer, ['a']);
    await peer.publish(what);
    await peer.publish({ data: 'end' });
    await stream.until(() => stream.text.includes('data: end\n\n'));
    expect(stream.text).toContain(what.event ? `event: ${what.event}\n` : `data: ${what.data}\n`);
    await expect((await startLibrary({ logger() {} })).publish(what)).rejects.toMatchObject({ code });
  });

  test.each(SUBSCRIPTIONS)('%s is subscribed to there', async (_, channels) => {
    await subscribe(await startGo(server), channels);
    const { url } = await startLibrary({ logger() {} });
    expect(await fetch(eventsOf(url, channels))).toMatchObject({ status: 400 });
  });
});

const eventsOf = (url: string, channels: string[]) =>
  `${url}/events?${new URLSearchParams(channels.map((channel) => ['channel', channel]))}`;

/** @returns a stream of the Go server whose subscription stands */
async function subscribe(peer: Peer, channels: string[]) {
  const stream = await open(eventsOf(peer.url, channels));
  while (!stream.text.includes('joined?')) await peer.publish({ data: 'joined?' });
  return stream;
}
