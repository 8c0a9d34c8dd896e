import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lower, place } from '../../src/client/shared-place.js';
import type { SSEReset } from '../../src/client/types.js';
import { at } from './source.js';

const OTHER = 'fedcba9876543210';
const evicted = (from: number, to: number): SSEReset => ({
  reason: 'evicted',
  lastEventId: at(from),
  resumedAt: at(to),
});

describe('a step of the shared stream', () => {
  test.each([
    ['continues a tab that stands where it begins', at(3), at(3), at(5), { position: at(5) }],
    ['continues a tab between its ends, where nothing is', at(4), at(3), at(5), { position: at(5) }],
    ['has been seen by a tab at its end', at(5), at(3), at(5), 'skip'],
    ['has been seen by a tab beyond it', at(9), at(3), at(5), 'skip'],
    ['makes a tab before it ask', at(2), at(3), at(5), 'ask'],
    ['makes a tab of another epoch ask', at(9, OTHER), at(3), at(5), 'ask'],
    ['makes a tab that wants the earliest ask', 'earliest', at(3), at(5), 'ask'],
    ['begins a tab that has no position', '', at(3), at(5), { position: at(5) }],
    ['without an id of its own is for tabs at its position', at(5), at(5), at(5), { position: at(5) }],
    ['without an id of its own has been seen by those beyond', at(6), at(5), at(5), 'skip'],
    ['without an id of its own makes those before it ask', at(4), at(5), at(5), 'ask'],
    ["with another server's ids is the next one", 'a', 'b', 'c', { position: 'c' }],
    ["with another server's id that the tab has is skipped", 'c', 'b', 'c', 'skip'],
  ])('%s', (_, position, previous, id, placing) => {
    expect(place(position, { previous, id })).toEqual(placing);
  });
});

describe('a reset of the shared stream', () => {
  test('is for every tab before its end, which goes on from its own position', () => {
    const step = { previous: at(2), id: at(2), reset: evicted(2, 7) };
    expect(place(at(2), step)).toEqual({ position: at(2) });
    expect(place(at(5), step)).toEqual({ position: at(5) });
    expect(place(at(7), step)).toBe('skip');
    expect(place(at(1), { ...step, previous: at(1) })).toEqual({ position: at(2) });
  });

  test('to the edge takes every tab before it along', () => {
    const step = { previous: at(2), id: at(7), reset: evicted(2, 7) };
    expect(place(at(5), step)).toEqual({ position: at(7) });
    expect(place(at(8), step)).toBe('skip');
  });

  test('after the log lost its past is for the tab that was asked for; another asks for itself', () => {
    const reset: SSEReset = { reason: 'epoch', lastEventId: at(9, OTHER), resumedAt: at(4) };
    const step = { previous: at(9, OTHER), id: at(0), reset };
    expect(place(at(9, OTHER), step)).toEqual({ position: at(0) });
    expect(place(at(8, OTHER), step)).toBe('ask');
    expect(place(at(6), step)).toBe('skip');
  });

  test('above the head brings every tab above it back; one for a foreign id brings none', () => {
    const above: SSEReset = { reason: 'unknown', lastEventId: at(9), resumedAt: at(5) };
    expect(place(at(8), { previous: at(9), id: at(5), reset: above })).toEqual({ position: at(5) });
    const foreign: SSEReset = { reason: 'unknown', lastEventId: 'x', resumedAt: at(0) };
    expect(place(at(8), { previous: 'x', id: at(0), reset: foreign })).toBe('skip');
  });
});

test('the lower position is the one to begin at; none yet is higher than any', () => {
  expect(lower(at(3), at(2))).toBe(at(2));
  expect(lower(at(2), at(3))).toBe(at(2));
  expect(lower('', at(3))).toBe(at(3));
  expect(lower(at(3), '')).toBe(at(3));
  expect(lower('', '')).toBe('');
});

test('tabs anywhere take every event once, in order, however often the stream is read again', () => {
  const offsets = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 30 });
  const tabs = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 });
  // After how many steps the stream is read again although nobody asked, and from how far back.
  const again = fc.array(fc.tuple(fc.nat(20), fc.nat(60)), { maxLength: 5 });
  fc.assert(
    fc.property(offsets, tabs, again, (unsorted, starts, restarts) => {
      const events = unsorted.sort((a, b) => a - b);
      const seen = starts.map((start) => ({ start, position: at(start), got: [] as number[] }));
      const pending = [...restarts];
      let from = Math.min(...starts);
      let steps = 0;
      for (let rounds = 0; rounds < 1_000; rounds++) {
        const next = events.find((offset) => offset > from);
        if (next === undefined) break;
        const step = { previous: at(from), id: at(next) };
        from = next;
        for (const tab of seen) {
          const placing = place(tab.position, step);
          expect(placing).not.toBe('ask');
          if (typeof placing === 'string') continue;
          tab.position = placing.position;
          tab.got.push(next);
        }
        if (++steps > (pending[0]?.[0] ?? Number.POSITIVE_INFINITY)) {
          steps = 0;
          from = Math.min(from, pending.shift()![1]);
        }
      }
      for (const tab of seen) expect(tab.got).toEqual(events.filter((offset) => offset > tab.start));
    }),
  );
});
