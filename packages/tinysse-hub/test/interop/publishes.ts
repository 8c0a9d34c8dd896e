import type { Publish } from './peers.js';

/** What is published to the channels `a` and `b`, and how it stands on the wire: of the Go package as of ours, but for ids. */
export const PUBLISHES: [title: string, what: Publish, wire: string][] = [
  ['an unnamed event', { data: 'hello' }, 'data: hello\n\n'],
  ['a named event', { event: 'update', data: '{"n":1}' }, 'event: update\ndata: {"n":1}\n\n'],
  ['lines', { data: 'one\ntwo\n\nfour' }, 'data: one\ndata: two\ndata: \ndata: four\n\n'],
  ['lines that end with CRLF', { event: 'x', data: 'one\r\ntwo' }, 'event: x\ndata: one\ndata: two\n\n'],
  ['a line end at the end', { data: 'one\n' }, 'data: one\ndata: \n\n'],
  ['no data', { data: '' }, 'data: \n\n'],
  ['what looks like fields', { data: 'id: 7\nevent: y\n:z' }, 'data: id: 7\ndata: event: y\ndata: :z\n\n'],
  ['spaces and wide characters', { data: '  é 日 😀 ' }, 'data:   é 日 😀 \n\n'],
  ['one of the other channel', { channels: ['b'], data: 'for b' }, 'data: for b\n\n'],
  ['one of both channels, once', { channels: ['a', 'b'], data: 'for both' }, 'data: for both\n\n'],
  ['one of a channel beside others', { channels: ['c', 'a'], data: 'for a' }, 'data: for a\n\n'],
];

/** The data that any reader makes of it. */
export const dataOf = ({ data }: Publish): string => data.replaceAll('\r\n', '\n');
