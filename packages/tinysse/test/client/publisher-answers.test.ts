import { expect, test } from 'vitest';
import type { SSEError } from '../../src/client/publisher.js';
import { ids, setUp } from './publisher-hub.js';

test.each([
  ...[408, 425, 429, 500, 502, 503, 504, 520, 524].map(
    (status) => [status, { outcome: 'unknown', willRetry: false }] as const,
  ),
  ...[400, 401, 403, 404, 413].map((status) => [status, { outcome: 'rejected' }] as const),
])('a hub that answers %i to all is given up', async (status, details) => {
  const { hub, publisher } = await setUp({ retryForMs: 1 });
  const answer = publisher.publish('a', 'x');
  answer.catch(() => {});
  void (async () => {
    for (;;) (await hub.next()).answer([{ error: { code: 'X', message: 'because' } }], status);
  })();
  await expect(answer).rejects.toMatchObject({
    code: 'HTTP_STATUS',
    status,
    message: expect.stringContaining('because'),
    ...details,
  });
});

test('a request that was passed on before a proxy answered 500 is sent again with its key', async () => {
  const { hub, publisher } = await setUp();
  const answer = publisher.publish('a', 'x');
  const lost = await hub.next();
  lost.answer([], 500);
  const again = await hub.next();
  expect(again.lines).toEqual(lost.lines);
  again.answer(ids(again));
  expect(await answer).toBe('e-1');
});

test('a turn that is larger than a proxy takes is published in smaller requests, in order', async () => {
  const told: SSEError[] = [];
  const { hub, publisher } = await setUp({ onRetry: (error) => told.push(error) });
  const data = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(1_000)}`);
  const answers = Promise.all(data.map((text) => publisher.publish(text, 'x')));
  const stored: string[] = [];
  const sizes: number[] = [];
  while (stored.length < data.length) {
    const request = await hub.next();
    const size = JSON.stringify(request.lines).length;
    sizes.push(size);
    if (size > 40_000) request.answer([{ error: { code: 'X', message: 'too large' } }], 413);
    else {
      request.answer(request.lines.map((_, i) => ({ id: `e-${stored.length + i}` })));
      stored.push(...request.lines.map((line) => line.data));
    }
  }
  expect(stored).toEqual(data);
  expect(await answers).toEqual(data.map((_, i) => `e-${i}`));
  expect(sizes.filter((size) => size > 40_000)).toHaveLength(2);
  expect(told[0]?.message).toMatch(/takes no request of 1\d{5} bytes.*client_max_body_size/);
});

test('an event that is larger than a proxy takes is refused alone', async () => {
  const { hub, publisher } = await setUp();
  const answers = ['a', 'x'.repeat(5_000), 'b'].map((data) => publisher.publish(data, 'x'));
  answers[1]?.catch(() => {});
  const served = (async () => {
    for (let left = 3; left > 0; ) {
      const request = await hub.next();
      const large = request.lines.some(({ data }) => data.length > 4_000);
      if (!large || request.lines.length === 1) left -= request.lines.length;
      request.answer(large ? [] : request.lines.map(({ data }) => ({ id: data })), large ? 413 : 200);
    }
  })();
  expect([await answers[0], await answers[2]]).toEqual(['a', 'b']);
  await expect(answers[1]).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 413, outcome: 'rejected' });
  await served;
});

test('what one turn publishes after an event that there was no room for is refused too, so that it does not overtake it', async () => {
  const { hub, publisher } = await setUp({ maxPendingBytes: 500 });
  const results = await Promise.allSettled([
    publisher.publish('x'.repeat(1_000), 'x'),
    publisher.publish('small', 'x'),
  ]);
  expect(results).toMatchObject([{ reason: { code: 'LOG_BUSY' } }, { reason: { code: 'LOG_BUSY' } }]);
  await new Promise((resolve) => setImmediate(resolve));
  const later = publisher.publish('small', 'x');
  const request = await hub.next();
  request.answer(ids(request));
  expect(await later).toBe('e-1');
});
