import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../src/protocol/decode.js';
import { chunks, decodeChunks, decodeEveryWay } from './decoding.js';

const message = (data: string, event = 'message', id = '') => ({ id, event, data });

const streams: [title: string, text: string, messages: unknown[]][] = [
  ['a data line and a blank line are an event', 'data: a\n\n', [message('a')]],
  ['one space after the colon is dropped, a second is data', 'data:a\n\ndata:  a\n\n', [message('a'), message(' a')]],
  ['a colon in the value is data', 'data: a:b\ndata::c\n\n', [message('a:b\n:c')]],
  ['data lines are joined by LF', 'data: a\ndata\ndata:\ndata: b\n\n', [message('a\n\n\nb')]],
  ['an empty data line is an event with empty data', 'data\n\ndata:\n\n', [message(''), message('')]],
  ['lines end in CRLF', 'event: e\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', [message('a\nb', 'e'), message('c')]],
  ['lines end in CR', 'event: e\rdata: a\rdata: b\r\rdata: c\r\r', [message('a\nb', 'e'), message('c')]],
  ['line ends may be mixed', 'data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\r', [message('a\nb\nc'), message('d')]],
  ['an event that is not ended is not dispatched', 'data: a\n\ndata: b\n', [message('a')]],
  ['comments are ignored', ':\n: data: x\ndata: a\n:b\n\n:\n\n', [message('a')]],
  [
    'unknown fields and names of other case are ignored',
    'datas: x\nDATA: x\nd:at: x\n data: x\ndat\n:\ndata: a\n\n',
    [message('a')],
  ],
  [
    'a name is for one event, the id for all that follow',
    'id: 1\nevent: e\ndata: a\n\ndata: b\n\n',
    [message('a', 'e', '1'), message('b', 'message', '1')],
  ],
  ['an event without data is none, and its name is forgotten', 'event: e\n\ndata: a\n\n', [message('a')]],
  ['an empty name means message', 'event:\ndata: a\n\nevent: e\nevent\ndata: b\n\n', [message('a'), message('b')]],
  [
    'an id with NUL is ignored',
    'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n',
    [message('a', 'message', '1'), message('b', 'message', '1')],
  ],
  ['an empty id clears the id', 'id: 1\ndata: a\n\nid\ndata: b\n\n', [message('a', 'message', '1'), message('b')]],
  [
    'a byte order mark is dropped once',
    '\ufeffdata: a\n\n\ufeffdata: b\ndata: \ufeffc\n\n',
    [message('a'), message('\ufeffc')],
  ],
  ['a blank first line is nothing', '\n\ndata: a\n\n', [message('a')]],
  ['characters of many bytes survive', 'data: é日本😀\nid: ü\nevent: 😀\n\n', [message('é日本😀', '😀', 'ü')]],
];

describe('whatever the chunks,', () => {
  test.each(streams)('%s', (_title, text, messages) => {
    for (const decoded of decodeEveryWay(text)) expect(decoded.messages).toEqual(messages);
  });

  test('retry takes digits only', () => {
    const text =
      'retry: 1000\nretry: 1.5\nretry: -1\nretry: 1e3\nretry: \nretry\nretry: 0\nretry: x1\nretry: 9999999999\n\n';
    for (const decoded of decodeEveryWay(text)) expect(decoded.retries).toEqual([1000, 0, 9999999999]);
  });

  test('it is said whether an event has an id of its own', () => {
    for (const decoded of decodeEveryWay('id: 1\ndata: a\n\ndata: b\n\nid: 1\n\ndata: c\n\n'))
      expect(decoded.ownIds).toEqual([true, false, false]);
  });

  test('a block with nothing but an id moves the last event id when it ends', () => {
    for (const decoded of decodeEveryWay('id: 1\n\nid: 2\n')) expect(decoded.lastEventId).toBe('1');
    for (const decoded of decodeEveryWay('id: 1\n\nid: 2\n\n')) expect(decoded.lastEventId).toBe('2');
  });

  test('bytes that are not UTF-8 become U+FFFD and harm no line', () => {
    const bytes = Uint8Array.from([
      ...Buffer.from('data: a'),
      0xe2,
      0x82,
      0x0a,
      ...Buffer.from('data: '),
      0xff,
      0x0a,
      0x0a,
    ]);
    for (const size of [1, 2, 100])
      expect(decodeChunks(chunks(bytes, size)).messages).toEqual([message('a\ufffd\n\ufffd')]);
  });
});

test('the id before the first id field is the one that was given', () => {
  const decoded = decodeChunks([Buffer.from('data: a\n\n')], { lastEventId: '7' });
  expect(decoded).toMatchObject({ messages: [message('a', 'message', '7')], ownIds: [false], lastEventId: '7' });
});

test('a bare CR ends the event at once, and the LF that may follow belongs to it', () => {
  const seen: string[] = [];
  const decoder = createDecoder({ onEvent: ({ data }) => seen.push(data) });
  decoder.feed(Buffer.from('data: a\r\r'));
  expect(seen).toEqual(['a']);
  decoder.feed(Buffer.from(''));
  decoder.feed(Buffer.from('\ndata: b\r'));
  decoder.feed(Buffer.from('\n'));
  expect(seen).toEqual(['a']);
  decoder.feed(Buffer.from('\r'));
  expect(seen).toEqual(['a', 'b']);
  decoder.feed(Buffer.from('\ndata: c\n\n'));
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('the bytes of a chunk may be used again after feed', () => {
  const seen: string[] = [];
  const decoder = createDecoder({ onEvent: ({ data }) => seen.push(data) });
  const bytes = Buffer.from('data: a');
  decoder.feed(bytes);
  bytes.fill(0x62);
  decoder.feed(Buffer.from('\n\n'));
  expect(seen).toEqual(['a']);
});

/** A stream of several of the pieces that are decoded at once, with lines of every length; each line ended by `end()`. */
function longStream(end: () => string): Buffer {
  const lines: string[] = [];
  for (let n = 0; n < 200; n++) {
    const wide = n % 5 === 0 ? '東京 🌊 ' : '';
    lines.push(`id: ${n}`, ...(n % 3 ? [] : ['event: update']), `data: ${wide}${'x'.repeat((n * 37) % 211)}`);
    lines.push(...(n % 4 ? [] : [`data: ${'y'.repeat(n * 20)}`]), '', ...(n % 7 ? [] : [':', '']));
  }
  return Buffer.from(lines.map((line) => line + end()).join(''));
}

test('what ends the lines makes no difference, wherever the stream is cut', () => {
  const decoded = (end: () => string, size: number) => {
    const events: unknown[] = [];
    decodeChunks(chunks(longStream(end), size), { onEvent: (event, ownId) => events.push({ ...event, ownId }) });
    return events;
  };
  const expected = decoded(() => '\n', 1_000_000);
  expect(expected).toHaveLength(200);
  let turn = 0;
  const mixed = () => ['\r\n', '\n', '\n', '\r\n', '\r', '\r'][turn++ % 6]!;
  for (const end of [() => '\n', () => '\r\n', () => '\r', mixed])
    for (const size of [3, 1_535, 1_536, 1_537, 4_001, 1_000_000]) {
      turn = 0;
      expect(decoded(end, size)).toEqual(expected);
    }
});
