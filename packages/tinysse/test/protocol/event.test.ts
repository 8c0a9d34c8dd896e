import { expect, test } from 'vitest';
import { channelName, eventData, eventName, publishKey } from '../../src/protocol/event.js';

const code = (name: string) => expect.objectContaining({ name: 'SSEError', code: name });

test.each(['\n', '\r', '\0', 'a\nb', '\u001f', '\u007f', 'a\tb'])(
  'control characters as in %j are refused in every name',
  (name) => {
    expect(() => channelName(name)).toThrow(code('INVALID_CHANNEL'));
    expect(() => eventName(name)).toThrow(code('INVALID_EVENT'));
    expect(() => publishKey(name)).toThrow(code('INVALID_KEY'));
  },
);

test.each([
  '\u0080',
  'a\u0085',
  '\u009f',
  '\u061c',
  '\u200e',
  'a\u202eb',
  '\u2066',
  '\u2069',
  '\ud800',
  'a\udfff',
  '\udc00\ud800',
])('C1 controls, direction controls and lone surrogates as in %j are refused in every name', (name) => {
  expect(() => channelName(name)).toThrow(code('INVALID_CHANNEL'));
  expect(() => eventName(name)).toThrow(code('INVALID_EVENT'));
  expect(() => publishKey(name)).toThrow(code('INVALID_KEY'));
});

test('a message about a bad name says what is wrong with it', () => {
  expect(() => channelName('a\u0085')).toThrow(/must not contain control characters$/);
  expect(() => channelName('a\u202e')).toThrow(/must not contain control characters for the direction of text$/);
  expect(() => channelName('a\ud800')).toThrow(/must be well-formed Unicode, without lone surrogates$/);
});

test('every other character may stand in a name: whatever UTF-8 can write, and nothing else, is stored as it is', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (let point = 0x20; point < 0x11000; point++) {
    const name = String.fromCodePoint(point);
    const refused = /[\p{Cc}\p{Cs}\p{Bidi_Control}]/u.test(name);
    if (refused) expect(() => channelName(name)).toThrow(code('INVALID_CHANNEL'));
    else if (strict.decode(new TextEncoder().encode(channelName(name))) !== name) expect.fail(name);
  }
  expect(channelName('Grüße 日本 😀 שלום مرحبا')).toBeTruthy();
});

test.each([null, undefined, 5, {}, ['a']])('%j is no channel and no key', (input) => {
  expect(() => channelName(input)).toThrow(code('INVALID_CHANNEL'));
  expect(() => publishKey(input)).toThrow(code('INVALID_KEY'));
});

test('channels and keys are not empty; an empty event name means none', () => {
  expect(() => channelName('')).toThrow(code('INVALID_CHANNEL'));
  expect(() => publishKey('')).toThrow(code('INVALID_KEY'));
  expect(eventName('')).toBeUndefined();
  expect(eventName(undefined)).toBeUndefined();
  expect(() => eventName(null)).toThrow(code('INVALID_EVENT'));
});

test('limits count UTF-8 bytes', () => {
  expect(channelName('x'.repeat(255))).toHaveLength(255);
  expect(() => channelName('x'.repeat(256))).toThrow(code('INVALID_CHANNEL'));
  expect(eventName('é'.repeat(64))).toHaveLength(64);
  expect(() => eventName('é'.repeat(65))).toThrow(code('INVALID_EVENT'));
  expect(publishKey('😀'.repeat(32))).toHaveLength(64);
  expect(() => publishKey('😀'.repeat(33))).toThrow(code('INVALID_KEY'));
});

test('names of the server itself are reserved', () => {
  expect(() => eventName('tinysse:reset')).toThrow(code('RESERVED_EVENT'));
  expect(eventName('tinysse')).toBe('tinysse');
});

test('data is a string or valid UTF-8 bytes', () => {
  expect(eventData('a\r\n')).toBe('a\r\n');
  expect(eventData(new TextEncoder().encode('\ufeffé'))).toBe('\ufeffé');
  expect(() => eventData(Uint8Array.of(0xff))).toThrow(code('INVALID_DATA'));
  expect(() => eventData({ a: 1 })).toThrow(code('INVALID_DATA'));
  expect(() => eventData(null)).toThrow(code('INVALID_DATA'));
});

test('a message about a bad name shows at most its beginning', () => {
  expect(() => channelName(`\n${'x'.repeat(1000)}`)).toThrow(/^channel .{0,70}… must not contain control characters$/);
});
