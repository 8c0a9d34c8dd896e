import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createHookStore, type HookStore } from '../../src/hooks/store.js';
import { createSite, type Site } from '../client/site.js';
import { at, createSource, frame, position } from '../client/source.js';

const turn = () => new Promise((resolve) => setTimeout(resolve));
const reduce = (list: string[], { data }: { data: string }) => [...list, data];

/** A component's store, and whether it is mounted. */
function component(site: Site, options: object = {}) {
  const all = { initial: [], reduce, retryInterval: 20, ...options };
  const store: HookStore<string[]> = createHookStore(`${site.url}events`, all);
  let unmount: (() => void) | undefined;
  return {
    store,
    all,
    toggle() {
      if (unmount) {
        unmount();
        unmount = undefined;
      } else unmount = store.subscribe(() => {});
    },
    mount: () => (unmount ??= store.subscribe(() => {})),
    unmount() {
      unmount?.();
      unmount = undefined;
    },
  };
}
const opened = (store: HookStore<string[]>) => vi.waitFor(() => expect(store.snapshot().status).toBe('open'), 10_000);
const isOpen = (site: Site, count: number) => vi.waitFor(() => expect(site.open).toBe(count), 10_000);

describe('stores of one URL', () => {
  test('that come and go at random get every event once, in order, and end with one connection', {
    timeout: 60_000,
  }, async () => {
    const step = fc.tuple(fc.constantFrom('publish', 'toggle', 'enable', 'turn'), fc.nat(4));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const site = await createSite('', 100_000);
        const components = Array.from({ length: 5 }, () => ({ ...component(site), enabled: true }));
        const first = components[0]!;
        first.mount();
        await opened(first.store);
        let count = 0;
        for (const [what, n] of steps) {
          const one = components[n]!;
          if (what === 'publish') await site.sse.publish(`${count++}`, 'all');
          else if (what === 'toggle') one.toggle();
          else if (what === 'enable') one.store.use({ ...one.all, enabled: (one.enabled = !one.enabled) });
          else await turn();
        }
        for (const one of components) {
          one.mount();
          one.store.use(one.all);
        }
        await vi.waitFor(() => {
          for (const { store } of components) expect(store.snapshot().lastEventId).not.toBe('');
        }, 10_000);
        await site.sse.publish('last', 'all');
        await vi.waitFor(() => {
          for (const { store } of components) expect(store.snapshot().data.at(-1)).toBe('last');
        }, 10_000);
        const all = [...Array.from({ length: count }, (_, n) => `${n}`), 'last'];
        for (const { store } of components) {
          const { data } = store.snapshot();
          expect(data).toEqual(all.slice(-data.length));
        }
        expect(first.store.snapshot().data).toEqual(all);
        await isOpen(site, 1);
        for (const one of components) one.unmount();
        await isOpen(site, 0);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  test('of which one is closed by what another does with a message have that message both, and once', async () => {
    const site = await createSite('');
    const closing = component(site, {
      reduce: (list: string[], message: { data: string }) => {
        if (message.data === 'close') other.store.close();
        return reduce(list, message);
      },
    });
    const other = component(site);
    for (const one of [closing, other]) one.mount();
    await opened(other.store);
    await site.sse.publish('close', 'all');
    await vi.waitFor(() => expect(other.store.snapshot().status).toBe('closed'), 10_000);
    await site.sse.publish('meanwhile', 'all');
    other.store.use({ ...other.all, enabled: false });
    other.store.use(other.all);
    await vi.waitFor(() => expect(other.store.snapshot().data).toEqual(['close', 'meanwhile']), 10_000);
    expect(closing.store.snapshot().data).toEqual(['close', 'meanwhile']);
    for (const one of [closing, other]) one.unmount();
    await isOpen(site, 0);
  });

  test('whose positions are never equal share one connection all the same, and hear everything once', async () => {
    const source = await createSource();
    const watch = (options: object) => createHookStore<string[]>(source.url, { initial: [], reduce, ...options });
    const [first, second] = [watch({}), watch({ lastEventId: at(3) })];
    const leave = [first.subscribe(() => {})];
    const one = (await source.next()).open(position(4) + frame(5));
    await vi.waitFor(() => expect(first.snapshot().data).toEqual(['m5']));
    leave.push(second.subscribe(() => {}));
    const two = (await source.next()).open(position(3) + frame(4) + frame(5) + frame(6));
    await vi.waitFor(() => expect(second.snapshot().data).toEqual(['m4', 'm5', 'm6']));
    await two.gone;
    one.write(frame(6) + frame(7));
    await vi.waitFor(() => {
      expect(first.snapshot()).toMatchObject({ data: ['m5', 'm6', 'm7'], lastEventId: at(7) });
      expect(second.snapshot()).toMatchObject({ data: ['m4', 'm5', 'm6', 'm7'], lastEventId: at(7) });
    });
    for (const undo of leave) undo();
    await one.gone;
  });

  test('meet by a heartbeat of either', async () => {
    const source = await createSource();
    const [first, second] = [{}, { lastEventId: at(1) }].map((options) => createHookStore(source.url, options));
    const leave = [first!.subscribe(() => {})];
    const one = (await source.next()).open(position(7) + frame(8));
    await vi.waitFor(() => expect(first!.snapshot().lastEventId).toBe(at(8)));
    leave.push(second!.subscribe(() => {}));
    const two = (await source.next()).open(position(1));
    await vi.waitFor(() => expect(second!.snapshot().status).toBe('open'));
    two.write(position(9));
    await two.gone;
    await vi.waitFor(() => expect(second!.snapshot()).toMatchObject({ status: 'open', lastEventId: at(9) }));
    for (const undo of leave) undo();
    await one.gone;
  });

  test('that begin at a position hear what comes next without an id', async () => {
    const source = await createSource();
    const store = createHookStore<string[]>(source.url, { initial: [], reduce, lastEventId: at(5) });
    const leave = store.subscribe(() => {});
    const connection = (await source.next()).open('data: one\n\ndata: two\n\n' + frame(6, 'six'));
    await vi.waitFor(() => expect(store.snapshot().lastEventId).toBe(at(6)));
    expect(store.snapshot().data).toEqual(['one', 'two', 'six']);
    leave();
    await connection.gone;
  });

  test('of different users have a connection each, and one that is given another user begins anew', async () => {
    const source = await createSource();
    const of = (identity: string) => ({ initial: [], reduce, identity });
    const ann = createHookStore<string[]>(source.url, of('ann'));
    const bob = createHookStore<string[]>(source.url, of('bob'));
    const leave = [ann.subscribe(() => {}), bob.subscribe(() => {})];
    const [one, two] = [(await source.next()).open(frame(1, 'of ann')), (await source.next()).open(frame(2, 'of bob'))];
    await vi.waitFor(() => expect([ann.snapshot().data, bob.snapshot().data]).toEqual([['of ann'], ['of bob']]));
    ann.use(of('eve'));
    await one.gone;
    const three = await source.next();
    expect(three.request.headers).not.toHaveProperty('last-event-id');
    expect(ann.snapshot()).toMatchObject({ data: [], lastEventId: '' });
    three.open(frame(3, 'of eve'));
    await vi.waitFor(() => expect(ann.snapshot().data).toEqual(['of eve']));
    for (const undo of leave) undo();
    await Promise.all([two.gone, three.gone]);
  });

  test('that join while the connection waits to be made again do not hurry it', async () => {
    const site = await createSite('');
    const first = component(site, { retryInterval: 60_000, maxRetryDelay: 60_000 });
    site.refuse(503);
    first.mount();
    await vi.waitFor(() => expect(first.store.snapshot().status).toBe('waiting'), 10_000);
    const second = component(site, { retryInterval: 60_000, maxRetryDelay: 60_000 });
    second.mount();
    await turn();
    expect(second.store.snapshot().status).toBe('waiting');
    expect(site.asked).toBe(1);
    for (const one of [first, second]) one.unmount();
  });

  test('with options that a client refuses throw when they are subscribed to', () => {
    const store = createHookStore<string[]>('http://', { initial: [] });
    expect(() => store.subscribe(() => {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
