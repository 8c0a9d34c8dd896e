import { memoryLog } from 'tinysse';
import { describe, expect, test, vi } from 'vitest';
import { type Running, start, unbound } from './parts.js';
import { open, openUnread } from './stream.js';

const ids = ['1', '2', '3', '4'];
/** A server with the events `1` to `4` on `all`, and their cursors. */
async function withHistory(options = {}): Promise<Running & { cursors: string[] }> {
  const running = await start(options);
  const cursors: string[] = [];
  for (const data of ids) cursors.push(await running.sse.publish(data, 'all'));
  return { ...running, cursors };
}

describe('a client that comes back', () => {
  test('with a Last-Event-ID gets what came after it, then what comes', async () => {
    const { sse, url, cursors } = await withHistory();
    const stream = await open(url, { lastEventId: cursors[1] as string });
    await sse.publish('5', 'all');
    await stream.got('5');
    expect(stream.data).toEqual(['3', '4', '5']);
    expect(stream.control('position')[0]?.id).toBe(cursors[1]);
    expect(stream.control('reset')).toEqual([]);
  });

  test('may say it in the query, where the header would cost a preflight', async () => {
    const { url, cursors } = await withHistory();
    const stream = await open(`${url}/events?a=b&lastEventId=${cursors[2]}`);
    await stream.got('4');
    expect(stream.data).toEqual(['4']);
  });

  test('is believed by its header before its query', async () => {
    const { url, cursors } = await withHistory();
    const stream = await open(`${url}/?lastEventId=${cursors[0]}`, { lastEventId: cursors[2] as string });
    await stream.got('4');
    expect(stream.data).toEqual(['4']);
  });

  test('at the head gets only what comes', async () => {
    const { sse, url, cursors } = await withHistory();
    const stream = await open(url, { lastEventId: cursors[3] as string });
    await sse.publish('5', 'all');
    await stream.got('5');
    expect(stream.data).toEqual(['5']);
  });

  test('and reads nothing of a long replay, or leaves in the middle of it, holds nobody up', async () => {
    const { sse, url } = await start({ clientChannelBuffer: 1 });
    const first = await sse.publish('first', 'all');
    for (let n = 0; n < 200; n++) await sse.publish('x'.repeat(100_000), 'all');
    const again = `${url}/?lastEventId=${first}`;
    await openUnread(again);
    const leaving = await openUnread(again);
    const reading = await open(url);
    await vi.waitFor(async () => expect(await sse.stats()).toMatchObject({ subscribers: 3, behind: 2 }));
    leaving.destroy();
    await sse.publish('live', 'all');
    await reading.got('live');
    await vi.waitFor(async () => expect(await sse.stats()).toMatchObject({ subscribers: 2, behind: 1 }));
  });

  test('gets nothing of channels that it may not see any more', async () => {
    let channels = ['a', 'b'];
    const { sse, url } = await start({ channelProvider: { resolveChannels: () => channels } });
    const first = await sse.publish('1', 'a');
    await sse.publish('2', 'b');
    await sse.publish('3', 'a');
    channels = ['a'];
    const stream = await open(url, { lastEventId: first });
    await stream.got('3');
    expect(stream.data).toEqual(['3']);
  });

  test.each([
    ['an id of another server', 'abc', 'unknown'],
    ['a cursor of a log that is gone', '0123456789abcdef-2', 'epoch'],
    ['text that would be fields of its own', 'x\r\ndata: owned', 'unknown'],
  ])('with %s gets a reset, then what there is', async (_, lastEventId, reason) => {
    const { url } = await withHistory();
    const stream = await open(`${url}/?lastEventId=${encodeURIComponent(lastEventId)}`);
    await stream.got('4');
    expect(stream.data).toEqual(ids);
    const [reset] = stream.control('reset');
    expect(JSON.parse(reset?.data ?? '')).toEqual({ reason, lastEventId, resumedAt: expect.stringMatching(/-0$/) });
  });

  test('after retention evicted what it needs gets a reset that says up to where', async () => {
    const { url, cursors } = await withHistory({ historyReplayBuffer: 2 });
    const stream = await open(url, { lastEventId: cursors[0] as string });
    await stream.got('4');
    expect(stream.data).toEqual(['3', '4']);
    const resumedAt = cursors[1];
    expect(stream.control('reset').map(({ data }) => JSON.parse(data as string))).toEqual([
      { reason: 'evicted', lastEventId: cursors[0], resumedAt },
    ]);
  });
});

describe('a client that comes for the first time', () => {
  test('gets only what comes, and is told at once where its stream starts', async () => {
    const { sse, url, cursors } = await withHistory();
    const stream = await open(url);
    await stream.until(() => stream.frames.length >= 2);
    expect(stream.frames).toEqual([
      { retry: expect.stringMatching(/^\d+$/) },
      { id: cursors[3], event: 'tinysse:position', data: '15000' },
    ]);
    await sse.publish('5', 'all');
    await stream.got('5');
    expect(stream.data).toEqual(['5']);
  });

  test('that drops before its first event resumes from where its stream started', async () => {
    const { sse, url } = await withHistory();
    const first = await open(url);
    await first.until(() => first.control('position').length > 0);
    first.leave();
    await sse.publish('missed', 'all');
    const second = await open(url, { lastEventId: first.control('position')[0]?.id as string });
    await second.got('missed');
    expect(second.data).toEqual(['missed']);
  });

  test('gets the retained history first under replayAllOnConnect', async () => {
    const { url } = await withHistory({ replayAllOnConnect: true, historyReplayBuffer: 3 });
    const stream = await open(url);
    await stream.got('4');
    expect(stream.data).toEqual(['2', '3', '4']);
    expect(stream.control('reset')).toEqual([]);
  });

  test('under replayAllOnConnect with a Last-Event-ID gets what came after it', async () => {
    const { url, cursors } = await withHistory({ replayAllOnConnect: true });
    const stream = await open(url, { lastEventId: cursors[2] as string });
    await stream.got('4');
    expect(stream.data).toEqual(['4']);
  });

  test('may ask for all that is retained by the word earliest', async () => {
    const { url } = await withHistory({ historyReplayBuffer: 3 });
    const stream = await open(url, { lastEventId: 'earliest' });
    await stream.got('4');
    expect(stream.data).toEqual(['2', '3', '4']);
    expect(stream.control('reset')).toEqual([]);
  });
});

test('a route may say where a stream starts; what the client says goes before', async () => {
  const { sse } = unbound();
  const cursors: string[] = [];
  for (const data of ids) cursors.push(await sse.publish(data, 'all'));
  const running = await start(
    {},
    () => (req, res) => void sse.serve(req, res, { channels: ['all'], from: cursors[1] }),
  );
  const stream = await open(running.url);
  await stream.got('4');
  expect(stream.data).toEqual(['3', '4']);
  const returning = await open(running.url, { lastEventId: cursors[2] as string });
  await returning.got('4');
  expect(returning.data).toEqual(['4']);
});

test('historyReplayBuffer goes to the default log only', () => {
  expect(() => unbound({ log: memoryLog(), historyReplayBuffer: 10 })).toThrow(/historyReplayBuffer/);
  expect(() => unbound({ historyReplayBuffer: 0 })).toThrow(/positive whole number/);
});

describe('controlEvents: false', () => {
  test('says position and heartbeat in frames that no client takes for an event', async () => {
    const { sse, url, cursors } = await withHistory({ controlEvents: false });
    const stream = await open(url);
    await sse.publish('5', 'all');
    await stream.got('5');
    expect(stream.frames).toEqual([
      { retry: expect.any(String) },
      { id: cursors[3] },
      { id: expect.any(String), data: '5' },
    ]);
  });

  test.each([
    ['evicted', (cursors: string[]) => cursors[0]],
    ['unknown', () => 'abc'],
    ['unknown', (cursors: string[]) => `${cursors[0]?.slice(0, 16)}-99`],
    ['epoch', () => '0123456789abcdef-2'],
  ])('refuses a gap (%s) with 409 before any header', async (reason, lastEventId) => {
    const { sse, url, cursors } = await withHistory({ controlEvents: false, historyReplayBuffer: 2 });
    const stream = await (await open(url, { lastEventId: lastEventId(cursors) as string })).toEnd();
    expect([stream.status, stream.headers['content-type']]).toEqual([409, 'text/plain; charset=utf-8']);
    expect(stream.text).toContain(`(${reason})`);
    expect((await sse.stats()).subscribers).toBe(0);
  });

  test('lets a cursor without a gap go on, and earliest', async () => {
    const { url, cursors } = await withHistory({ controlEvents: false, historyReplayBuffer: 2 });
    for (const lastEventId of ['earliest', cursors[1] as string]) {
      const stream = await open(url, { lastEventId });
      await stream.got('4');
      expect([stream.status, stream.data]).toEqual([200, ['3', '4']]);
    }
  });

  test('said for one call refuses a gap there', async () => {
    const { url } = await start(
      {},
      (sse) => (req, res) => void sse.serve(req, res, { channels: ['all'], controlEvents: false }),
    );
    expect((await open(url, { lastEventId: 'abc' })).status).toBe(409);
  });

  test('may be said for one call, either way', async () => {
    for (const server of [true, false]) {
      const { url } = await start(
        { controlEvents: server },
        (sse) => (req, res) => void sse.serve(req, res, { channels: ['all'], controlEvents: !server }),
      );
      const stream = await open(url);
      await stream.until(() => stream.frames.length >= 2);
      expect(stream.control('position').length).toBe(server ? 0 : 1);
    }
  });
});
