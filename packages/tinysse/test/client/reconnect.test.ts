import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Failure, obeyed, reconnect } from '../../src/client/reconnect.js';

const policy = { retryInterval: 1_000, maxRetryDelay: 30_000, maxReconnectAttempts: 0 };
const never = Number.NaN;
const lost: Failure = { code: 'NETWORK', openMs: never };
const status = (code: number): Failure => ({ code: 'HTTP_STATUS', status: code, openMs: never });
const after = (failures: number) => ({ failures, refreshed: false });

test('waits double from retryInterval up to maxRetryDelay', () => {
  const waits = [0, 1, 2, 3, 4, 5, 2000].map((n) => reconnect(after(n), lost, policy, false, 1).delayMs);
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test('a wait is spread from retryInterval up to its most', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (n, random) => {
      const { delayMs } = reconnect(after(n), lost, policy, false, random);
      expect(delayMs).toBeCloseTo(1_000 + random * (Math.min(30_000, 1_000 * 2 ** n) - 1_000));
    }),
  );
  expect(reconnect(after(5), lost, policy, false, 0).delayMs).toBe(1_000);
});

test('a server that asks for more than maxRetryDelay gets it', () => {
  expect(reconnect(after(3), lost, { ...policy, retryInterval: 60_000 }, false, 1).delayMs).toBe(60_000);
});

test('a stream that was open for 5 s starts the backoff over, one that was not does not', () => {
  expect(reconnect(after(4), { ...lost, openMs: 5_000 }, policy, false, 1)).toMatchObject({
    failures: 1,
    delayMs: 1_000,
  });
  expect(reconnect(after(4), { ...lost, openMs: 4_999 }, policy, false, 1)).toMatchObject({
    failures: 5,
    delayMs: 16_000,
  });
});

test.each([408, 429, 500, 502, 503, 504, 599])('a status %i is tried again', (code) => {
  expect(reconnect(after(0), status(code), policy, true, 1)).toMatchObject({ delayMs: 1_000, code: 'HTTP_STATUS' });
});

test.each([201, 206, 304, 400, 401, 403, 404, 410, 451])('a status %i ends it', (code) => {
  expect(reconnect(after(0), status(code), policy, false, 1).delayMs).toBeUndefined();
});

test.each(['CONTENT_TYPE', 'LINE_TOO_LONG', 'EVENT_TOO_LONG'] as const)('%s ends it', (code) => {
  expect(reconnect(after(0), { code, openMs: 0 }, policy, true, 1)).toMatchObject({ delayMs: undefined, code });
});

test.each(['NETWORK', 'CONNECT_TIMEOUT', 'IDLE_TIMEOUT'] as const)('%s is tried again', (code) => {
  expect(reconnect(after(0), { code, openMs: 0 }, policy, false, 1)).toMatchObject({ delayMs: 1_000, code });
});

test('a 401 is tried again at once with other credentials, once', () => {
  const first = reconnect(after(0), status(401), policy, true, 1);
  expect(first).toMatchObject({ delayMs: 0, refreshed: true });
  expect(reconnect(first, status(401), policy, true, 1).delayMs).toBeUndefined();
  const other = reconnect(first, lost, policy, true, 1);
  expect(reconnect(other, status(401), policy, true, 1).delayMs).toBe(0);
});

test('Retry-After takes the place of the backoff', () => {
  expect(reconnect(after(9), { ...status(503), retryAfterMs: 7_000 }, policy, false, 1).delayMs).toBe(7_000);
  expect(reconnect(after(0), { ...status(503), retryAfterMs: Number.NaN }, policy, false, 1).delayMs).toBe(1_000);
});

test('what a server asks for is kept between 100 ms, or what is asked for at least, and 5 min', () => {
  expect([0, 99, 500, 9_999_999_999].map((ms) => obeyed(ms))).toEqual([100, 100, 500, 300_000]);
  expect([0, 1_500].map((ms) => obeyed(ms, 1_000))).toEqual([1_000, 1_500]);
});

test('a stream that brought a message starts the backoff and the count of attempts over, however short it was', () => {
  const capped = { ...policy, maxReconnectAttempts: 3 };
  const brought = { ...lost, openMs: 5, brought: true };
  expect(reconnect(after(4), brought, capped, false, 1)).toMatchObject({
    failures: 1,
    delayMs: 1_000,
    code: 'NETWORK',
  });
});

test('so many reconnects may fail in a row, then it ends', () => {
  const capped = { ...policy, maxReconnectAttempts: 2 };
  expect(reconnect(after(1), lost, capped, false, 1).delayMs).toBe(2_000);
  expect(reconnect(after(2), lost, capped, false, 1)).toMatchObject({ delayMs: undefined, code: 'ATTEMPTS_EXHAUSTED' });
  expect(reconnect(after(2), { ...lost, openMs: 6_000 }, capped, false, 1).delayMs).toBe(1_000);
});
