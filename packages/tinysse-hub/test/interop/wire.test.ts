import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Built } from '../../../tinysse/test/go.js';
import { GO_BUILD_MS } from '../../../tinysse/test/go.js';
import { describeWith } from '../../../tinysse/test/programs.js';
import { open } from '../../../tinysse/test/server/stream.js';
import { buildServer, type Peer, type Publish, startGo, startHubPeer, startLibrary } from './peers.js';
import { PUBLISHES } from './publishes.js';

/** What only our servers write; frames of events begin with an id and have no such name. */
const CONTROL = /^(retry: \d+\n\n|(retry: \d+\n)?(id: \S+\n)?event: tinysse:|:)/;

/** The frames of events with these data, their ids taken off, as they came over a socket. */
async function framesOf(peer: Peer, publishes: Publish[]): Promise<string[]> {
  const stream = await open(`${peer.url}/events?channel=a&channel=b`);
  // Of the Go server no byte says that the subscription stands.
  for (let joined = false; !joined; ) {
    await peer.publish({ data: 'joined?' });
    joined = stream.text.includes('joined?');
  }
  for (const what of publishes) await peer.publish(what);
  await peer.publish({ data: 'end' });
  await stream.until(() => stream.text.includes('data: end\n\n'));
  const frames = stream.text.split(/(?<=\n\n)/).filter((frame) => !CONTROL.test(frame) && !frame.includes('joined?'));
  expect(frames.every((frame) => /^id: \S+\n/.test(frame))).toBe(true);
  return frames.slice(0, -1).map((frame) => frame.replace(/^id: .*\n/, ''));
}

const expected = PUBLISHES.map(([, , wire]) => wire);
const published = PUBLISHES.map(([, what]) => what);
const LONE_CR = [{ data: 'one\rid: 7' }];

describe.each([
  ['the library', startLibrary],
  ['tinysse-hub', startHubPeer],
])('%s', (_, begin) => {
  test('writes the frames of the Go package, apart from ids and control frames', async () => {
    expect(await framesOf(await begin(), published)).toEqual(expected);
  });

  test('ends a line at a lone CR, so that data cannot write fields', async () => {
    expect(await framesOf(await begin(), LONE_CR)).toEqual(['data: one\ndata: id: 7\n\n']);
  });
});

describeWith(['go'], 'the Go server of interop/', () => {
  let server: Built;
  beforeAll(async () => {
    server = await buildServer();
  }, GO_BUILD_MS);
  afterAll(() => server?.remove());

  test('writes the same frames', async () => {
    expect(await framesOf(await startGo(server), published)).toEqual(expected);
  });

  test('lets a lone CR through', async () => {
    expect(await framesOf(await startGo(server), LONE_CR)).toEqual(['data: one\rid: 7\n\n']);
  });
});
