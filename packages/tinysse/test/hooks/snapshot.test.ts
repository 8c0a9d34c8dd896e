import { expect, test, vi } from 'vitest';
import { createHookStore } from '../../src/hooks/store.js';
import { at, createSource, frame, position } from '../client/source.js';

const begin = (reason = 'start') => `event: tinysse:snapshot\ndata: {"reason":"${reason}"}\n\n`;
const plain = (...data: string[]) => data.map((line) => `data: ${line}\n\n`).join('');
const reduce = (list: string[], { data }: { data: string }) => [...list, data];

/** A store with every list that it showed. */
function watch(url: string, options: object = {}) {
  const store = createHookStore<string[]>(url, { initial: ['initial'], reduce, ...options });
  const shown: string[][] = [];
  return { store, shown, mount: () => store.subscribe(() => void shown.push(store.snapshot().data)) };
}

test('a store starts again from `initial` at a snapshot, reduces its messages, and shows it when it is complete', async () => {
  const source = await createSource();
  const notices: unknown[] = [];
  const { store, shown, mount } = watch(source.url, { onSnapshot: (notice: unknown) => notices.push(notice) });
  const leave = mount();
  const connection = (await source.next()).open(begin() + plain('a'));
  await vi.waitFor(() => expect(notices).toHaveLength(1));
  connection.write(plain('b') + position(5) + frame(6));
  await vi.waitFor(() =>
    expect(store.snapshot()).toMatchObject({ data: ['initial', 'a', 'b', 'm6'], lastEventId: at(6) }),
  );
  connection.write(begin('evicted') + plain('c'));
  await vi.waitFor(() => expect(notices).toHaveLength(3));
  connection.write(position(3) + frame(4));
  await vi.waitFor(() => expect(store.snapshot()).toMatchObject({ data: ['initial', 'c', 'm4'], lastEventId: at(4) }));
  expect([...new Set(shown.map(String))]).toEqual(['initial', 'initial,a,b,m6', 'initial,c,m4']);
  expect(notices).toEqual([
    { reason: 'start', complete: false },
    { reason: 'start', complete: true },
    { reason: 'evicted', complete: false },
    { reason: 'evicted', complete: true },
  ]);
  leave();
});

test('a store that leaves in the middle of a snapshot has what it had before, and goes on from there', async () => {
  const source = await createSource();
  const { store, mount } = watch(source.url);
  let began = 0;
  store.use({ initial: ['initial'], reduce, onSnapshot: () => began++ });
  const leave = mount();
  const first = (await source.next()).open(position(5) + frame(6));
  await vi.waitFor(() => expect(store.snapshot().data).toEqual(['initial', 'm6']));
  first.write(begin('evicted') + plain('c'));
  await vi.waitFor(() => expect(began).toBe(1));
  store.close();
  await first.gone;
  expect(store.snapshot()).toMatchObject({ data: ['initial', 'm6'], lastEventId: at(6) });
  store.use({ initial: ['initial'], reduce, enabled: false });
  store.use({ initial: ['initial'], reduce });
  const second = await source.next();
  expect(second.request.headers['last-event-id']).toBe(at(6));
  second.open(position(6) + frame(7));
  await vi.waitFor(() => expect(store.snapshot().data).toEqual(['initial', 'm6', 'm7']));
  leave();
});

test('a store that comes in the middle of a snapshot or after it gets one of its own; then all share one connection', async () => {
  const source = await createSource();
  const onSnapshot = vi.fn();
  const [first, middle, late] = [watch(source.url, { onSnapshot }), watch(source.url), watch(source.url)];
  const leave = [first.mount()];
  const one = (await source.next()).open(begin() + plain('a'));
  await vi.waitFor(() => expect(onSnapshot).toHaveBeenCalled());
  leave.push(middle.mount());
  const two = await source.next();
  one.write(plain('b') + position(5));
  await vi.waitFor(() => expect(first.store.snapshot().data).toEqual(['initial', 'a', 'b']));
  two.open(begin() + plain('a', 'b') + position(5));
  await two.gone;
  expect(middle.store.snapshot().data).toEqual(['initial', 'a', 'b']);
  leave.push(late.mount());
  const three = (await source.next()).open(begin() + plain('a', 'b', 'm6') + position(6));
  await vi.waitFor(() => expect(late.store.snapshot().data).toEqual(['initial', 'a', 'b', 'm6']));
  one.write(frame(6) + frame(7));
  await three.gone;
  await vi.waitFor(() => {
    for (const { store } of [first, middle, late])
      expect(store.snapshot().data).toEqual(['initial', 'a', 'b', 'm6', 'm7']);
  });
  for (const undo of leave) undo();
  await one.gone;
});

test('a store whose snapshot is cut, and followed by none, has what it had before and goes on; others may join it', async () => {
  const source = await createSource();
  const onReset = vi.fn();
  const onSnapshot = vi.fn();
  const { store, shown, mount } = watch(source.url, { retryInterval: 1, onReset, onSnapshot });
  const leave = [mount()];
  const first = (await source.next()).open(position(5) + frame(6));
  await vi.waitFor(() => expect(store.snapshot().data).toEqual(['initial', 'm6']));
  first.write(begin('evicted') + plain('half'));
  await vi.waitFor(() => expect(onSnapshot).toHaveBeenCalledTimes(1));
  first.end();
  // This server goes on where the client was, and to one that says nothing it gives no snapshot.
  (await source.next()).open(position(6) + frame(7));
  const last = (await source.next()).open(position(8) + frame(9));
  await vi.waitFor(() => expect(store.snapshot()).toMatchObject({ data: ['initial', 'm6', 'm9'], lastEventId: at(9) }));
  expect(onReset).toHaveBeenCalledTimes(1);
  expect(shown.flat()).not.toContain('half');
  const late = watch(source.url, { retryInterval: 1, lastEventId: at(9) });
  leave.push(late.mount());
  await vi.waitFor(() => expect(late.store.snapshot().status).toBe('open'));
  last.write(frame(10));
  for (const one of [store, late.store])
    await vi.waitFor(() => expect(one.snapshot().data).toEqual(expect.arrayContaining(['initial', 'm10'])));
  for (const undo of leave) undo();
  await last.gone;
});
