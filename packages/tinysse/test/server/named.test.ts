import { createSSEServer, json, type SSEServerOptions } from 'tinysse';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { code, listen, unbound } from './parts.js';
import { open } from './stream.js';

const to = (channel: string): SSEServerOptions => ({ channelProvider: { resolveChannels: () => [channel] } });

/** The module of a server as a development server loads it anew: another copy of the library, too. */
async function reloaded(): Promise<typeof createSSEServer> {
  vi.resetModules();
  return (await import('tinysse')).createSSEServer;
}

describe('a server with a name', () => {
  test('survives a reload: its streams get what is published after it', async () => {
    const before = createSSEServer({ name: 'survives', ...to('all') });
    onTestFinished(() => before.close({ drainMs: 1 }));
    const { url } = await listen(before.handler);
    const stream = await open(url);
    const after = (await reloaded())({ name: 'survives', ...to('all') });
    await after.publish('after the reload', 'all');
    await stream.got('after the reload');
    expect((await after.stats()).subscribers).toBe(1);
  });

  test('that is closed a second time does not take its successor away', async () => {
    const first = createSSEServer({ name: 'twice', ...to('all') });
    await first.close();
    const second = createSSEServer({ name: 'twice', ...to('all') });
    onTestFinished(() => second.close({ drainMs: 1 }));
    await first.close();
    expect(createSSEServer({ name: 'twice', ...to('all') })).toBe(second);
  });

  test('asks the channel provider, and uses the codec, of the latest call', async () => {
    const one = createSSEServer({ name: 'latest', ...to('old') });
    onTestFinished(() => one.close({ drainMs: 1 }));
    const { url } = await listen(one.handler);
    const two = createSSEServer({ name: 'latest', codec: json, ...to('new') });
    const stream = await open(url);
    await two.publish({ n: 1 }, 'new');
    await stream.got('{"n":1}');
  });

  test('is another one for another name, and after it was closed', async () => {
    const [one, other] = ['one', 'other'].map((name) => createSSEServer({ name }));
    onTestFinished(() => other!.close({ drainMs: 1 }));
    expect(one).not.toBe(other);
    expect(createSSEServer({ name: 'one' })).toBe(one);
    await one!.close({ drainMs: 1 });
    const again = createSSEServer({ name: 'one' });
    onTestFinished(() => again.close({ drainMs: 1 }));
    expect(again).not.toBe(one);
    await again.publish('open', 'all');
  });

  test.each([[''], [7], [null]])('may not be called %j', (name) => {
    expect(() => createSSEServer({ name: name as string })).toThrow(expect.objectContaining(code('INVALID_OPTION')));
  });
});

describe('a second server without a name', () => {
  const servers = Symbol.for('tinysse.servers') as unknown as keyof typeof globalThis;
  beforeEach(() => {
    // Other tests of this process have made theirs.
    Reflect.deleteProperty(globalThis, servers);
  });
  afterEach(() => void vi.unstubAllEnvs());

  test('is told of in development, once, with what to do', async () => {
    vi.stubEnv('NODE_ENV', 'development');
    const first = unbound();
    const logged: unknown[][] = [];
    const create = await reloaded();
    const [second, third] = [1, 2].map(() => create({ logger: (...args) => logged.push(args) }));
    onTestFinished(async () => void (await Promise.all([second!.close({ drainMs: 1 }), third!.close({ drainMs: 1 })])));
    expect(first.logged).toEqual([]);
    expect(logged).toEqual([[expect.stringMatching(/second time.*createSSEServer\(\{ name: /s)]]);
  });

  test('is nothing to tell when the first one was closed, when it has a name, or outside development', async () => {
    vi.stubEnv('NODE_ENV', 'development');
    const first = unbound();
    await first.sse.close({ drainMs: 1 });
    const second = unbound();
    const named = unbound({ name: 'its own' });
    vi.stubEnv('NODE_ENV', 'production');
    const third = unbound();
    for (const { logged } of [first, second, named, third]) expect(logged).toEqual([]);
  });
});

describe('data and channel that are swapped', () => {
  test('are told of, once', async () => {
    const { sse, logged } = unbound(to('all'));
    const { url } = await listen(sse.handler);
    await open(url);
    await sse.publish('all', 'hello');
    await sse.publishEvent('greeting', 'all', 'hello', 'world');
    expect(logged).toEqual([[expect.stringMatching(/"all" was published to \["hello"\].*takes the data first/)]]);
  });

  test('are no matter where the channel has subscribers or the data is no channel', async () => {
    const { sse, logged } = unbound(to('all'));
    const { url } = await listen(sse.handler);
    await open(url);
    await sse.publish('all', 'all');
    await sse.publish('hello', 'nobody');
    await sse.publish('all', 'nobody', 'all');
    expect(logged).toEqual([]);
  });
});
