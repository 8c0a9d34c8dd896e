import { expect, test } from 'vitest';
import { encodeComment, encodeEvent, encodeId, encodeRetry, toBytes } from '../../src/protocol/encode.js';
import { decodeChunks } from './decoding.js';

test('fields stand in the order id, event, data', () => {
  expect(encodeEvent({ data: 'd', event: 'e', id: 'i' })).toBe('id: i\nevent: e\ndata: d\n\n');
});

test('absent fields are left out, empty data is not', () => {
  expect(encodeEvent({ data: '' })).toBe('data: \n\n');
});

test.each(['\n', '\r\n', '\r'])('data is split at %j into a field for every line', (end) => {
  expect(encodeEvent({ data: `a${end}b${end}` })).toBe('data: a\ndata: b\ndata: \n\n');
});

test('LF CR is two line ends', () => {
  expect(encodeEvent({ data: 'a\n\rb' })).toBe('data: a\ndata: \ndata: b\n\n');
});

test('retry, comment and id frames dispatch no event', () => {
  const decoded = decodeChunks([
    toBytes(encodeRetry(2000) + encodeComment('still here') + encodeComment() + encodeId('x-1')),
  ]);
  expect(decoded).toEqual({ messages: [], ownIds: [], retries: [2000], lastEventId: 'x-1' });
});
