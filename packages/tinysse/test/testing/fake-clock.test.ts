import { expect, test } from 'vitest';
import { createFakeClock } from '../../src/testing/fake-clock.js';

test('timers run in the order of their times, each at its own time, also those set on the way', () => {
  const clock = createFakeClock(1000);
  const ran: string[] = [];
  const note = (name: string) => () => void ran.push(`${name}@${clock.now()}`);
  clock.after(30, note('late'));
  clock.after(10, () => {
    note('early')();
    clock.after(5, note('nested'));
  });
  clock.after(30, note('late too'));
  clock.after(31, note('never'));
  clock.advance(30);
  expect(ran).toEqual(['early@1010', 'nested@1015', 'late@1030', 'late too@1030']);
  expect([clock.now(), clock.timers, clock.nextIn()]).toEqual([1030, 1, 1]);
});

test('a cancelled timer never runs', () => {
  const clock = createFakeClock();
  clock.after(10, () => expect.unreachable())();
  clock.advance(100);
  expect(clock.timers).toBe(0);
});

test('a turn runs what waits now and leaves what that adds for the next turn', () => {
  const clock = createFakeClock();
  const ran: string[] = [];
  clock.soon(() => {
    ran.push('first');
    clock.soon(() => ran.push('second'));
  });
  expect(clock.turn()).toBe(1);
  expect(ran).toEqual(['first']);
  expect(clock.turn()).toBe(1);
  expect(clock.turn()).toBe(0);
});

test('a callback that throws does not lose those behind it', () => {
  const clock = createFakeClock();
  const ran: string[] = [];
  clock.soon(() => {
    throw new Error('first');
  });
  clock.soon(() => ran.push('second'));
  expect(() => clock.turn()).toThrow('first');
  clock.turn();
  expect(ran).toEqual(['second']);
});

test('a step moves what the clock says and no timer', () => {
  const clock = createFakeClock(1_000);
  let ran = 0;
  clock.after(10, () => ran++);
  clock.step(-500);
  expect([clock.now(), clock.nextIn()]).toEqual([500, 10]);
  clock.advance(10);
  expect([clock.now(), ran]).toEqual([510, 1]);
});
