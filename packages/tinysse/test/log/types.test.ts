import { type AsyncLog, type Cursor, type Log, type LogPage, type LogQuery, memoryLog, type SyncLog } from 'tinysse';
import { lmdbLog } from 'tinysse/lmdb';
import { redisLog } from 'tinysse/redis';
import { describe, expect, expectTypeOf, test } from 'vitest';

// What follows is compiled; of the stores only one in memory is made.
const { inMemory: _inMemory, head: _head, read: _read, ...others } = memoryLog();
const cursor: Cursor = { epoch: '0'.repeat(16), offset: 0 };
const pageOf = ({ upTo }: LogQuery): LogPage => ({ epoch: '', floor: 0, floors: [], entries: [], through: upTo });

describe('types of a store', () => {
  test('let it answer reads at once, or later where it says that it is not in memory', () => {
    const logs = [
      { ...others, inMemory: true, head: () => cursor, read: pageOf } satisfies Log,
      { ...others, inMemory: false, head: async () => cursor, read: async (query) => pageOf(query) } satisfies Log,
      { ...others, inMemory: false, head: () => cursor, read: pageOf } satisfies Log,
    ];
    expect(logs).toHaveLength(3);
  });

  test('hold it to what it says', () => {
    // @ts-expect-error: in memory, and a page later
    const paged: Log = {
      ...others,
      inMemory: true,
      head: () => cursor,
      read: async (query: LogQuery) => pageOf(query),
    };
    // @ts-expect-error: in memory, and its head later
    const headed: Log = { ...others, inMemory: true, head: async () => cursor, read: pageOf };
    // @ts-expect-error: who knows?
    const either: Log = { ...others, inMemory: Boolean(paged), head: async () => cursor, read: pageOf };
    // @ts-expect-error: a log in memory, read later
    const wrapped: Log = { ...memoryLog(), read: async (query: LogQuery) => pageOf(query) };
    // @ts-expect-error: it must say
    const silent: Log = { ...others, head: () => cursor, read: pageOf };
    expect([paged, headed, either, wrapped, silent]).toHaveLength(5);
  });

  test('say of each of ours which it is', () => {
    expectTypeOf(memoryLog).returns.toEqualTypeOf<SyncLog>();
    expectTypeOf(lmdbLog).returns.toEqualTypeOf<AsyncLog>();
    expectTypeOf(redisLog).returns.toExtend<AsyncLog>();
    expectTypeOf<SyncLog | AsyncLog>().toEqualTypeOf<Log>();
  });
});
