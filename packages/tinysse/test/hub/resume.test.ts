import { describe, expect, test } from 'vitest';
import { afterHead, afterPage, gapBefore, nextStep, outdated, type Place } from '../../src/hub/resume.js';

const place = (epoch: string, offset: number, more: Partial<Place> = {}): Place => ({
  epoch,
  offset,
  told: 0,
  found: undefined,
  fromEarliest: false,
  shared: undefined,
  ...more,
});
const heard = { epoch: 'new', edge: 10, head: 12 };
const joined = { epoch: 'new', offset: 0 };
const page = (...floors: number[]) => ({ epoch: 'new', floor: Math.max(...floors), floors });
/** As a store has it that leaves the floors of the channels out. */
const withoutFloors = (floor: number) => ({ epoch: 'new', floor, floors: undefined });

describe('the next step of a connection', () => {
  test.each([
    ['at the edge is to be live', place('new', 10), joined, { kind: 'live' }],
    [
      'at the edge waits while entries that it is due are not pending for it',
      place('new', 10),
      { epoch: 'new', offset: 11 },
      { kind: 'wait' },
    ],
    ['between edge and head waits for the flush', place('new', 11), joined, { kind: 'wait' }],
    ['below the edge reads', place('new', 4), joined, { kind: 'read', after: 4 }],
    ['above all that the hub has heard of asks for the head', place('new', 13), joined, { kind: 'head' }],
    ['with a cursor of another epoch asks what the two share', place('old', 4), joined, { kind: 'past' }],
    [
      'that knows it reads after what they share',
      place('old', 4, { shared: { epoch: 'new', offset: 3 } }),
      joined,
      { kind: 'read', after: 3 },
    ],
    [
      'that knows it of a former epoch asks again',
      place('old', 4, { shared: { epoch: 'former', offset: 3 } }),
      joined,
      { kind: 'past' },
    ],
    ['without a cursor of any log reads from the beginning', place('', 0), joined, { kind: 'read', after: 0 }],
    [
      'from earliest reads first, even at the edge',
      place('new', 10, { fromEarliest: true }),
      joined,
      { kind: 'read', after: 0 },
    ],
    [
      'from earliest reads first, whatever epoch has come meanwhile',
      place('old', 0, { fromEarliest: true }),
      joined,
      { kind: 'read', after: 0 },
    ],
  ])('%s', (_, at, since, step) => {
    expect(nextStep(at, heard, since)).toEqual(step);
  });
});

describe('an answer of the log', () => {
  test.each([
    ['of the hub’s epoch counts', 'new', 'new', undefined],
    ['of an epoch that the hub has not heard of waits for that', 'next', 'new', { kind: 'wait' }],
    ['to a question of a former epoch is asked for again', 'old', 'old', { kind: 'again' }],
    ['of the hub’s epoch to a question of a former one is asked for again', 'new', 'old', { kind: 'again' }],
  ])('%s', (_, epoch, askedIn, step) => {
    expect(outdated({ epoch }, heard, askedIn)).toEqual(step);
  });

  test.each([
    ['a head at or above the position: the hub will hear of it', 13, { kind: 'wait' }],
    ['a head below it: the cursor is of no entry', 12, { kind: 'gap', reason: 'unknown', offset: 12, resumedAt: 12 }],
  ])('%s', (_, offset, step) => {
    expect(afterHead(place('new', 13), { epoch: 'new', offset }, heard)).toEqual(step);
  });

  test('a head that is older than what the hub has heard meanwhile decides nothing', () => {
    expect(afterHead(place('new', 12), { epoch: 'new', offset: 9 }, heard)).toEqual({ kind: 'again' });
  });
});

describe('a page', () => {
  test.each([
    ['continues a position at its floor', place('new', 5), page(5), undefined],
    ['does not continue one below its floor', place('new', 4), page(5), 'evicted'],
    ['continues one below a floor that a reset has told of', place('new', 4, { told: 5 }), page(5), undefined],
    ['does not continue one whose floor has risen above that', place('new', 4, { told: 5 }), page(6), 'evicted'],
    [
      'continues a start from earliest below the floors that it found',
      place('new', 0, { found: [3, 9] }),
      page(3, 9),
      undefined,
    ],
    [
      'does not when a low floor has risen, though it stays below a high one',
      place('new', 2, { found: [3, 9] }),
      page(4, 9),
      'evicted',
    ],
    ['continues it when a floor has risen to where it is', place('new', 4, { found: [3, 9] }), page(4, 9), undefined],
    [
      'without the floors of its channels continues a start from earliest at its floor',
      place('new', 9, { found: [] }),
      withoutFloors(9),
      undefined,
    ],
    [
      'without the floors of its channels does not below it: nobody knows whose floor has risen',
      place('new', 2, { found: [3, 9] }),
      withoutFloors(9),
      'evicted',
    ],
    [
      'does not continue a start that found no floors below one of its own',
      place('new', 2, { found: [] }),
      page(1, 3),
      'evicted',
    ],
    ['never continues a cursor of another epoch', place('old', 4), page(0), 'epoch'],
    ['never continues an id of no log', place('', 0), page(0), 'unknown'],
  ])('%s', (_, at, read, reason) => {
    expect(gapBefore(at, read)).toBe(reason);
  });

  test.each([
    [
      'evicted: goes on where it was',
      place('new', 4),
      page(7),
      { kind: 'gap', reason: 'evicted', offset: 4, resumedAt: 7 },
    ],
    [
      'epoch: goes on after what the two share',
      place('old', 4, { shared: { epoch: 'new', offset: 3 } }),
      page(2),
      { kind: 'gap', reason: 'epoch', offset: 3, resumedAt: 3 },
    ],
    [
      'epoch: tells of what is evicted beyond',
      place('old', 4, { shared: { epoch: 'new', offset: 3 } }),
      page(6),
      { kind: 'gap', reason: 'epoch', offset: 3, resumedAt: 6 },
    ],
    [
      'unknown: goes on at the beginning',
      place('', 0),
      page(6),
      { kind: 'gap', reason: 'unknown', offset: 0, resumedAt: 6 },
    ],
    ['no gap: is taken', place('new', 8), page(7), { kind: 'take' }],
  ])('%s', (_, at, read, step) => {
    expect(afterPage(at, read, heard)).toEqual(step);
  });
});
