import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, errorOf, post, subscribe } from './http.js';
import { type Hub, openHub } from './program.js';

let hub: Hub;
beforeAll(async () => {
  hub = await openHub();
});
afterAll(() => hub?.program.end());

const NDJSON = { 'content-type': 'application/x-ndjson' };

function publish(lines: readonly unknown[], query = ''): Promise<Answer> {
  const body = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  return post(`${hub.url}/publish${query}`, body, NDJSON);
}

const answersOf = ({ text }: Answer): { id?: string; error?: { code: string; message: string } }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('publishing lines', () => {
  test('answers each line in order with its id, and subscribers get the events in that order', async () => {
    const stream = await subscribe(hub.port, 'channel=lines');
    const events = Array.from({ length: 2_500 }, (_, i) => ({ channels: ['lines'], event: 'row', data: `${i}` }));
    const answer = await publish(events);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/x-ndjson' } });
    const ids = answersOf(answer).map(({ id }) => id);
    expect(ids).toHaveLength(2_500);
    await stream.until('data: 2499\n\n');
    const seen = [...stream.received.matchAll(/id: (\S+)\nevent: row\ndata: (\d+)\n\n/g)];
    expect(seen.map(([, id]) => id)).toEqual(ids);
    expect(seen.map(([, , data]) => Number(data))).toEqual(events.map((_, i) => i));
  });

  test('publishes a line to several channels as one event, and once for its key', async () => {
    const stream = await subscribe(hub.port, 'channel=a&channel=b');
    const line = { channels: ['a', 'b'], data: 'once', key: 'k' };
    const [first, second, end] = answersOf(await publish([line, line, { channels: ['a'], data: 'end' }]));
    expect(first?.id).toMatch(/-\d+$/);
    expect(second).toEqual(first);
    await stream.until(`id: ${end?.id}`);
    expect(stream.received.match(/once/g)).toHaveLength(1);
  });

  test.each([
    ['{', 'INVALID_LINE', 'not JSON'],
    [' ', 'INVALID_LINE', 'not JSON'],
    [`${'['.repeat(1e6)}${']'.repeat(1e6)}`, 'INVALID_LINE', 'more parts'],
    [{ channels: ['a'], data: Array(10_000).fill(0) }, 'INVALID_LINE', 'more parts'],
    [{ channels: Array(1_025).fill('a'), data: 'x' }, 'TOO_MANY_CHANNELS', 'at most 1024'],
    ['[]', 'INVALID_LINE', 'not an object'],
    ['null', 'INVALID_LINE', 'not an object'],
    [{ channels: ['a'], data: 'x', chanel: 1 }, 'INVALID_LINE', 'unknown field "chanel"'],
    [{ data: 'x' }, 'NO_CHANNEL', 'channels'],
    [{ channels: 'a', data: 'x' }, 'NO_CHANNEL', 'array'],
    [{ channels: [1], data: 'x' }, 'NO_CHANNEL', 'strings'],
    [{ channels: [], data: 'x' }, 'NO_CHANNEL', 'at least one'],
    [{ channels: [''], data: 'x' }, 'INVALID_CHANNEL', 'must not be empty'],
    [{ channels: ['a'] }, 'INVALID_DATA', 'must be a string'],
    [{ channels: ['a'], data: { x: 1 } }, 'INVALID_DATA', 'JSON.stringify'],
    [{ channels: ['a'], data: 'x', event: 'tinysse:x' }, 'RESERVED_EVENT', 'reserved'],
    [{ channels: ['a'], data: 'x', key: 1 }, 'INVALID_KEY', 'string'],
    [{ channels: ['a'], data: 'x'.repeat(2 ** 20) }, 'EVENT_TOO_LARGE', '1048576'],
  ])('refuses a line that makes no sense and publishes the others: %.60j', async (line, code, message) => {
    const good = { channels: ['a'], data: 'good' };
    const [before, refused, after] = answersOf(await publish([good, line, good]));
    expect(refused?.error?.code).toBe(code);
    expect(refused?.error?.message).toContain(message);
    expect(offsetOf(after)).toBe(offsetOf(before) + 1);
  });

  test('takes a last line without an end, ends of CRLF, and no line at all', async () => {
    const line = JSON.stringify({ channels: ['a'], data: 'x' });
    const answer = await post(`${hub.url}/publish`, `${line}\r\n${line}`, {
      'content-type': 'application/x-ndjson; charset=utf-8',
    });
    expect(answersOf(answer).map(({ id }) => typeof id)).toEqual(['string', 'string']);
    expect(await publish([])).toMatchObject({ status: 200, text: '' });
  });

  test('takes text whose quotes, brackets and commas are many for what it is', async () => {
    const data = JSON.stringify({ text: '[{,"\\'.repeat(20_000) });
    const stream = await subscribe(hub.port, 'channel=text');
    const [answer] = answersOf(await publish([{ channels: ['text'], data }]));
    await stream.until(`id: ${answer?.id}\ndata: ${data}\n\n`);
  });

  test.each([
    ['after a byte order mark', (line: string) => `\ufeff${line}\n${line}\n`],
    ['with empty lines before, between and after', (line: string) => `\n${line}\r\n\r\n${line}\n\n`],
  ])('takes lines %s, which have no answer', async (_, bodyOf) => {
    const answer = await post(`${hub.url}/publish`, bodyOf(JSON.stringify({ channels: ['a'], data: 'x' })), NDJSON);
    expect(answersOf(answer).map(({ id }) => typeof id)).toEqual(['string', 'string']);
  });

  test('lets other requests be answered between events for many new channels', async () => {
    const channels = (i: number): string[] => Array.from({ length: 1_024 }, (_, j) => `${i}.${j}`);
    const lines = Array.from({ length: 100 }, (_, i) => ({ channels: channels(i), data: '' }));
    let [busy, answered] = [true, 0];
    const published = publish(lines).finally(() => (busy = false));
    for (; busy; answered++) await ask(`${hub.url}/healthz`);
    expect(answersOf(await published)).toHaveLength(100);
    expect(answered).toBeGreaterThan(30);
  });

  test.each([
    ['a query', () => publish([], '?channel=a'), 400, 'INVALID_PARAMETER'],
    ['what is not UTF-8', () => post(`${hub.url}/publish`, Buffer.from([255]), NDJSON), 400, 'INVALID_DATA'],
    ['more than 10,000 lines', () => publish(Array(10_001).fill('{}')), 413, 'TOO_MANY_LINES'],
    ['more than 8 MiB', () => publish(['x'.repeat(8 * 2 ** 20)]), 413, 'BODY_TOO_LARGE'],
  ])('refuses %s as a whole', async (_, ask, status, code) => {
    const answer = await ask();
    expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
  });
});

const offsetOf = (answer: { id?: string } | undefined): number => Number(/-(\d+)$/.exec(answer?.id ?? '')?.[1]);
