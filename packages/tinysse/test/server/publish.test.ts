import { createSSEServer, type Log, memoryLog, type PublishInput, SSEError, type SSEServer } from 'tinysse';
import { describe, expect, test, vi } from 'vitest';
import { code, start, stoppedClock, unbound } from './parts.js';
import { get, RawClient } from './raw.js';
import { open } from './stream.js';

describe('publishing', () => {
  test('an unnamed event goes to every client of its channels, and its cursor is its id', async () => {
    const { sse, url } = await start();
    const [one, two] = [await open(url), await open(url)];
    const cursor = await sse.publish('hello', 'all');
    for (const stream of [one, two]) expect(await stream.got('hello')).toEqual({ id: cursor, data: 'hello' });
  });

  test('a named event carries its name; fields stand in the order id, event, data', async () => {
    const { sse, url } = await start();
    const stream = await open(url);
    const cursor = await sse.publishEvent('update', 'v', 'all');
    await stream.got('v');
    expect(stream.text.endsWith(`id: ${cursor}\nevent: update\ndata: v\n\n`)).toBe(true);
  });

  test('an event to two channels of a client reaches it once', async () => {
    const { sse, url } = await start({ channelProvider: { resolveChannels: () => ['a', 'b', 'a'] } });
    const stream = await open(url);
    await sse.publish('both', 'a', 'b', 'a');
    await sse.publishEvent('named', 'both by name', 'b', 'a');
    await sse.publish('marker', 'b');
    await stream.got('marker');
    expect(stream.data).toEqual(['both', 'both by name', 'marker']);
  });

  test('an event to a channel without clients waits in the log for nobody, and fails nothing', async () => {
    const { sse } = unbound();
    await expect(sse.publish('x', 'nobody')).resolves.toMatch(/^[0-9a-f]{16}-1$/);
  });

  test.each([
    ['LF', 'a\nb', 'a\nb'],
    ['CRLF', 'a\r\nb', 'a\nb'],
    ['a lone CR', 'a\rb', 'a\nb'],
    ['a trailing LF', 'a\n', 'a\n'],
    ['nothing', '', ''],
    ['leading spaces', '  a\n b', '  a\n b'],
    ['all of them', '\n\r\n\r', '\n\n\n'],
    ['UTF-8 bytes', new TextEncoder().encode('žluť\n🙂'), 'žluť\n🙂'],
  ])('data with %s arrives as lines', async (_, data, expected) => {
    const { sse, url } = await start();
    const stream = await open(url);
    await sse.publish(data, 'all');
    await sse.publish('marker', 'all');
    await stream.got('marker');
    expect(stream.data).toEqual([expected, 'marker']);
  });

  test('no data makes a second field or event on the wire', async () => {
    const { sse, port } = await start();
    const client = new RawClient(port).send(get());
    await client.got('tinysse:position');
    await sse.publish(
      'x\rid: forged 1\r\revent: admin\rdata: owned\n\nid: forged 2\r\n\r\ndata: twice\u0085\u2028id: forged 3',
      'all',
    );
    await sse.publish('marker', 'all');
    await client.got('marker');
    const lines = client.body.split(/[\r\n]+/).filter((line) => /forged|admin|owned|twice/.test(line));
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^data: /);
  });

  test.each([
    ['an event name with LF', { channels: 'all', event: 'a\nid: 1', data: '' }, 'INVALID_EVENT'],
    ['an event name with CR', { channels: 'all', event: 'a\rid: 1', data: '' }, 'INVALID_EVENT'],
    ['an event name with NUL', { channels: 'all', event: 'a\0', data: '' }, 'INVALID_EVENT'],
    ['an event name of 130 bytes', { channels: 'all', event: 'é'.repeat(65), data: '' }, 'INVALID_EVENT'],
    ['a reserved event name', { channels: 'all', event: 'tinysse:reset', data: '' }, 'RESERVED_EVENT'],
    ['a channel with LF', { channels: 'a\nb', data: '' }, 'INVALID_CHANNEL'],
    ['an empty channel', { channels: ['all', ''], data: '' }, 'INVALID_CHANNEL'],
    ['a channel of 256 bytes', { channels: 'ž'.repeat(128), data: '' }, 'INVALID_CHANNEL'],
    ['no channel', { channels: [], data: '' }, 'NO_CHANNEL'],
    ['1,025 channels', { channels: Array.from({ length: 1_025 }, (_, i) => `c${i}`), data: '' }, 'TOO_MANY_CHANNELS'],
    ['data that is an object', { channels: 'all', data: {} as string }, 'INVALID_DATA'],
    ['data that is null', { channels: 'all', data: null as unknown as string }, 'INVALID_DATA'],
    ['data that is no UTF-8', { channels: 'all', data: new Uint8Array([0xff]) }, 'INVALID_DATA'],
    ['an empty key', { channels: 'all', data: '', key: '' }, 'INVALID_KEY'],
    ['a key of 129 bytes', { channels: 'all', data: '', key: 'k'.repeat(129) }, 'INVALID_KEY'],
    ['data of over 1 MiB', { channels: 'all', data: 'x'.repeat(2 ** 20) }, 'EVENT_TOO_LARGE'],
  ] satisfies [string, PublishInput, SSEError['code']][])(
    'refuses %s before anything is stored',
    async (_, input, name) => {
      const { sse } = unbound();
      await expect(sse.send(input)).rejects.toMatchObject(code(name, { outcome: 'rejected' }));
      expect(await sse.stats()).toMatchObject({ offset: 0, published: 0, log: { events: 0 } });
    },
  );

  test.each([
    ['an event name of 128 bytes', { channels: 'all', event: 'ž'.repeat(64), data: '' }],
    ['a channel of 255 bytes', { channels: 'c'.repeat(255), data: '' }],
    ['1,024 channels', { channels: Array.from({ length: 1_024 }, (_, i) => `c${i}`), data: '' }],
    ['an event of 1 MiB on the wire', { channels: 'all', data: 'x'.repeat(2 ** 20 - 8) }],
    ['a key of 128 bytes', { channels: 'all', data: '', key: 'k'.repeat(128) }],
  ] satisfies [string, PublishInput][])('accepts %s', async (_, input) => {
    const { sse } = unbound();
    await expect(sse.send(input)).resolves.toMatch(/-1$/);
  });

  test('limits of events are options', async () => {
    const { sse } = unbound({ limits: { eventBytes: 100, channelsPerEvent: 1 } });
    await expect(sse.publish('x'.repeat(100), 'a')).rejects.toMatchObject(code('EVENT_TOO_LARGE'));
    await expect(sse.publish('x', 'a', 'b')).rejects.toMatchObject(code('TOO_MANY_CHANNELS'));
  });
});

describe('a key', () => {
  test('makes a retry give the first cursor and store nothing', async () => {
    const { sse, url } = await start();
    const stream = await open(url);
    const event = { channels: ['all'], event: 'paid', data: '1', key: 'order-7' };
    const first = await sse.send(event);
    expect(await sse.send(event)).toBe(first);
    await sse.publish('marker', 'all');
    await stream.got('marker');
    expect(stream.data).toEqual(['1', 'marker']);
  });

  test('of another event is refused', async () => {
    const { sse } = unbound();
    await sse.send({ channels: 'all', data: '1', key: 'k' });
    for (const other of [{ data: '2' }, { channels: 'b' }, { event: 'named' }])
      await expect(sse.send({ channels: 'all', data: '1', key: 'k', ...other })).rejects.toMatchObject(
        code('KEY_REUSED', { outcome: 'rejected' }),
      );
  });

  test('is free again after five minutes', async () => {
    const clock = stoppedClock();
    const { sse } = unbound({ clock });
    await sse.send({ channels: 'all', data: '1', key: 'k' });
    clock.advance(5 * 60_000);
    await expect(sse.send({ channels: 'all', data: '2', key: 'k' })).resolves.toMatch(/-2$/);
  });
});

describe('events published together', () => {
  test('come in order, and each is told what became of it', async () => {
    const { sse, url } = await start();
    const stream = await open(url);
    const results = await sse.sendAll([
      { channels: 'all', data: '1' },
      { channels: 'a\nb', data: '2' },
      { channels: ['all'], event: 'named', data: '3', key: 'k' },
      { channels: ['all'], event: 'named', data: '3', key: 'k' },
      undefined as unknown as PublishInput,
      { channels: 'all', data: '4' },
    ]);
    await stream.got('4');
    expect(stream.data).toEqual(['1', '3', '4']);
    const id = expect.stringMatching(/^[0-9a-f]+-\d+$/);
    const refused = (name: SSEError['code']) => ({
      status: 'rejected',
      reason: expect.objectContaining(code(name, { outcome: 'rejected' })),
    });
    const accepted = { status: 'fulfilled', value: id };
    expect(results).toMatchObject([accepted, refused('INVALID_CHANNEL'), accepted, accepted, {}, accepted]);
    expect(results[3]).toEqual(results[2]);
    expect(results[4]).toMatchObject({ status: 'rejected', reason: { outcome: 'rejected' } });
  });

  test('are handed to a slow log at once, and answered when all are', async () => {
    const memory = memoryLog();
    const answers: (() => void)[] = [];
    const append: Log['append'] = (event) =>
      new Promise((resolve, reject) => {
        const fails = event.data === '2';
        answers.push(() => (fails ? reject(new Error('the disk is gone')) : resolve(memory.append(event))));
      });
    const { sse } = unbound({ log: { ...memory, append } });
    const sent = sse.sendAll(['1', '2', '3'].map((data) => ({ channels: 'all', data })));
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    expect(await sse.stats()).toMatchObject({ pending: 3, published: 0 });
    for (const answer of answers) answer();
    expect(await sent).toMatchObject([
      { value: expect.stringMatching(/-1$/) },
      { reason: code('LOG_UNAVAILABLE', { outcome: 'unknown' }) },
      { value: expect.stringMatching(/-2$/) },
    ]);
    expect(await sse.stats()).toMatchObject({ pending: 0, published: 2 });
  });

  test('are not stored after one that the log had no room for, so that sending them again keeps the order', async () => {
    const memory = memoryLog();
    let appended = 0;
    const append: Log['append'] = async (event) => {
      appended++;
      return memory.append(event);
    };
    const { sse } = unbound({ log: { ...memory, append }, limits: { pendingBytes: 1_000 } });
    const inputs = ['x'.repeat(600), 'y'.repeat(600), 'small'].map((data) => ({ channels: 'all', data }));
    const busy = { reason: code('LOG_BUSY', { outcome: 'rejected' }) };
    expect(await sse.sendAll([...inputs, undefined as unknown as PublishInput])).toMatchObject([
      { value: expect.stringMatching(/-1$/) },
      busy,
      busy,
      busy,
    ]);
    expect(appended).toBe(1);
    expect(await sse.sendAll([undefined as unknown as PublishInput, { channels: 'all', data: 'small' }])).toMatchObject(
      [{ reason: code('INVALID_DATA', { outcome: 'rejected' }) }, { value: expect.stringMatching(/-2$/) }],
    );
  });

  test('are all refused by a server that is closing, or whose log cannot be opened', async () => {
    const inputs = ['1', '2'].map((data) => ({ channels: 'all', data }));
    const refused = (name: SSEError['code']) => ({ status: 'rejected', reason: code(name) });
    const { sse } = unbound();
    await sse.close();
    expect(await sse.sendAll(inputs)).toMatchObject([refused('LOG_CLOSED'), refused('LOG_CLOSED')]);
    const watch = (): never => {
      throw new SSEError('LOG_FORMAT', 'written by another version');
    };
    const { sse: shut } = unbound({ log: { ...memoryLog(), watch } });
    expect(await shut.sendAll(inputs)).toMatchObject([refused('LOG_FORMAT'), refused('LOG_FORMAT')]);
  });

  test('are in the log before what is published after them, whatever becomes of their array', async () => {
    const { sse } = unbound();
    const inputs = ['1', '2'].map((data) => ({ channels: 'all', data }));
    const together = sse.sendAll(inputs);
    inputs.length = 0;
    expect(await sse.publish('3', 'all')).toMatch(/-3$/);
    expect(await together).toMatchObject([{ value: expect.stringMatching(/-1$/) }, { status: 'fulfilled' }]);
    const memory = memoryLog();
    const { sse: opening } = unbound({ log: { ...memory, watch: async (watcher) => memory.watch(watcher) } });
    const late = [{ channels: 'all', data: '1' }];
    const first = opening.sendAll(late);
    late.pop();
    expect(await first).toMatchObject([{ status: 'fulfilled' }]);
  });

  test('are delivered by a server that closes right after', async () => {
    const { sse, url } = await start();
    const stream = await open(url);
    const sent = sse.sendAll([{ channels: 'all', data: 'last' }]);
    await Promise.all([sse.close(), stream.got('last')]);
    expect(await sent).toMatchObject([{ status: 'fulfilled' }]);
  });

  test('none of them are nothing', async () => {
    expect(await unbound().sse.sendAll([])).toEqual([]);
  });
});

test('a failing publish that nobody awaits is logged and ends no process', async () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown) => void rejections.push(reason);
  process.on('unhandledRejection', note);
  try {
    const { sse, logged } = unbound();
    void sse.publish('x');
    void sse.publishEvent('a\nb', 'x', 'all');
    void sse.send({ channels: '', data: '' });
    void sse.send(undefined as unknown as PublishInput);
    // Node reports unhandled rejections once microtasks have run, before the next turn.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(logged.map(([text]) => text)).toEqual(Array(4).fill('a publish failed'));
    expect(rejections).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});

test('without a logger, console.error is told', async () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => {});
  const sse: SSEServer = createSSEServer();
  await expect(sse.publish('x')).rejects.toMatchObject(code('NO_CHANNEL'));
  expect(told).toHaveBeenCalledWith('tinysse:', 'a publish failed', expect.objectContaining(code('NO_CHANNEL')));
  told.mockRestore();
});

test("a server's functions work without it", async () => {
  const { publish, publishEvent, send, cursor, stats, disconnect } = unbound().sse;
  await publish('1', 'a');
  await publishEvent('e', '2', 'a');
  await send({ channels: 'a', data: '3' });
  expect(await cursor()).toMatch(/-3$/);
  expect((await stats()).published).toBe(3);
  expect(await disconnect({ channel: 'a' })).toBe(0);
});
