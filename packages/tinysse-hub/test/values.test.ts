import { describe, expect, test } from 'vitest';
import { list, optional, toggle, value } from '../src/flags.js';
import { bytes, count, duration, host, hubUrl, isLoopback, port, text } from '../src/values.js';

test.each([
  ['500ms', 500],
  ['15s', 15_000],
  ['1.5m', 90_000],
  ['24h', 86_400_000],
  ['7 d', 604_800_000],
])('a time of %s is %d ms', (given, ms) => expect(duration(given)).toBe(ms));

test.each([
  ['1B', 1],
  ['64MiB', 67_108_864],
  ['0.5KiB', 512],
  ['2GB', 2_000_000_000],
])('a size of %s is %d bytes', (given, size) => expect(bytes(given)).toBe(size));

test.each(['', '-1s', '1', 's', '1e3s', 'Infinity s', '1constructor', '0.1ms'])('%s is no time', (given) =>
  expect(() => duration(given)).toThrow(/must be a number with a unit/),
);

test.each(['127.0.0.1', '127.9.9.9', 'localhost', '::1', '[::1]'])('%s is this machine', (given) =>
  expect(isLoopback(host(given))).toBe(true),
);

test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', 'localhost.example.org'])(
  '%s is not only this machine',
  (given) => expect(isLoopback(host(given))).toBe(false),
);

test.each(['', 'a b', 'http://h', '10.0.0.1/8'])('%s is no host', (given) =>
  expect(() => host(given)).toThrow(/must be an address/),
);

test('ports and counts are whole numbers', () => {
  expect([port('0'), port('65535'), count('1')]).toEqual([0, 65_535, 1]);
  for (const given of ['', ' 1', '0x10', '1e3', '-1']) expect(() => port(given)).toThrow();
  for (const given of ['', '0', '9007199254740993']) expect(() => count(given)).toThrow();
});

test('routes resolve below the URL of a hub', () => {
  expect(new URL('publish', hubUrl('http://h/mount')).href).toBe('http://h/mount/publish');
  expect(new URL('publish', hubUrl('https://h')).href).toBe('https://h/publish');
});

describe('flags', () => {
  test('the last one given counts', () => {
    expect(value('--port <n>', '', port, '1').read(['2', '3'])).toBe(3);
    expect(value('--port <n>', '', port, '1').read([])).toBe(1);
    expect(optional('--event <n>', '', text).read([])).toBeUndefined();
  });
  test('a list keeps all', () => expect(list('-c, --channel <n>', '', text).read(['a', 'b'])).toEqual(['a', 'b']));
  test('a toggle reads the words that the environment may hold', () => {
    const lines = toggle('--lines', '');
    expect(['true', '1', 'Yes', 'on'].map((word) => lines.read([word]))).toEqual([true, true, true, true]);
    expect([[], ['false'], ['0'], ['no'], ['OFF']].map((given) => lines.read(given))).not.toContain(true);
  });
});
