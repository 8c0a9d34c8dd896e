import type { Answer, ClientCase, ClientExpectations } from './client-case.js';

type Messages = NonNullable<ClientExpectations['messages']>;

/** A stream, and every message that is in it. */
function stream(name: string, body: Answer['body'] & {}, messages: Messages, answer: Answer = {}): ClientCase {
  return { name, answers: [{ body, ...answer }], expects: { messages } };
}

const of = (...data: string[]): Messages => data.map((data) => ({ data }));

/** What every kind of line end must give in chunks of every size. */
const lineEndStreams: [name: string, text: string, messages: Messages][] = [
  ['an event', 'data: one\n\n', of('one')],
  ['two events, the second of two lines', 'data: one\n\ndata: two\ndata: lines\n\n', of('one', 'two\nlines')],
  ['data that begins with an empty line', 'data:\ndata: b\ndata: c\n\n', of('\nb\nc')],
  ['data with an empty line in its middle', 'data: a\ndata:\ndata: c\n\n', of('a\n\nc')],
  ['surplus blank lines', '\ndata: a\n\n\ndata: b\n\n\n\ndata: c\n\n', of('a', 'b', 'c')],
  [
    'all fields and a comment',
    'id: 7\nevent: update\n: note\nretry: 1000\ndata: a\n\ndata: b\n\n',
    [
      { data: 'a', id: '7', event: 'update' },
      { data: 'b', id: '7' },
    ],
  ],
];

const lineEndCases = Object.entries({ LF: '\n', CR: '\r', CRLF: '\r\n' }).flatMap(([end, characters]) =>
  [Number.MAX_SAFE_INTEGER, 1, 2].flatMap((cut) =>
    lineEndStreams.map(([name, text, messages]) => {
      const chunks = cut > 2 ? 'at once' : `in chunks of ${cut} byte${cut > 1 ? 's' : ''}`;
      return stream(`${name}, with ${end}, ${chunks}`, text.replaceAll('\n', characters), messages, { cut });
    }),
  ),
);

const many = Array.from({ length: 100 }, (_, i) => `event ${i}`);
const long = 'long '.repeat(200_000);

/** How bytes become events. Source: WHATWG HTML, "Server-sent events", parsing and interpreting an event stream. */
export const parsingCases: readonly ClientCase[] = [
  ...lineEndCases,
  stream(
    'a CRLF may come in two chunks',
    ['data: a\r', '\ndata: b\r', '\n\r', '\ndata: c\r', '\n', '\r', '\n'],
    of('a\nb', 'c'),
  ),
  stream('an event that a lone CR has ended does not wait for what follows', ['data: a\r\r'], of('a')),
  stream(
    'line ends may be mixed',
    'data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\rdata: e\r\n\n',
    of('a\nb\nc', 'd', 'e'),
  ),
  stream('a byte order mark at the beginning is dropped', '\ufeffdata: a\n\n', of('a')),
  stream('a byte order mark may come in pieces', '\ufeffdata: a\n\n', of('a'), { cut: 1 }),
  stream('only one byte order mark is dropped', '\ufeff\ufeffdata: a\n\ndata: b\n\n', of('b')),
  stream(
    'a byte order mark further on is part of what it stands in',
    'data: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n',
    of('a', '\ufeffc'),
  ),
  stream('NUL is a character of data like any other', 'data: a\0b\n\ndata\0: c\n\n\0\n\ndata: d\n\n', of('a\0b', 'd')),
  stream('an id with NUL is ignored', 'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: \0\ndata: c\n\n', [
    { data: 'a', id: '1' },
    { data: 'b', id: '1' },
    { data: 'c', id: '1' },
  ]),
  stream(
    'an id holds for the events after it, until another comes',
    'data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\ndata: d\n\n',
    [{ data: 'a' }, { data: 'b', id: '1' }, { data: 'c', id: '1' }, { data: 'd', id: '2' }],
  ),
  stream('an empty id takes the id away', 'id: 1\ndata: a\n\nid\ndata: b\n\nid: 2\ndata: c\n\nid:\ndata: d\n\n', [
    { data: 'a', id: '1' },
    { data: 'b' },
    { data: 'c', id: '2' },
    { data: 'd' },
  ]),
  stream('of two ids the last holds, and an id may hold any character', 'id: 1\nid: é: 2 \ndata: a\n\n', [
    { data: 'a', id: 'é: 2 ' },
  ]),
  stream('empty data is an event', 'data:\n\ndata: \n\ndata\n\n', of('', '', '')),
  stream('a field needs no colon', 'data\ndata\n\n', of('\n')),
  stream(
    'a block without data is no event, and its name is forgotten',
    'event: update\n\nevent: update\nid: 1\n\ndata: a\n\n',
    [{ data: 'a', id: '1' }],
  ),
  stream(
    'a name is for one event; an empty one means message',
    'event: update\ndata: a\n\ndata: b\n\nevent:\ndata: c\n\nevent: x\nevent\ndata: d\n\n',
    [{ data: 'a', event: 'update' }, { data: 'b' }, { data: 'c' }, { data: 'd' }],
  ),
  stream(
    'of two names the last holds, and a name may hold spaces and any character',
    'event: x\nevent:  ü y\ndata: a\n\n',
    [{ data: 'a', event: ' ü y' }],
  ),
  stream(
    'one space after the colon is dropped, and nothing else',
    'data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta \n\n',
    of('a', 'a', ' a', '\ta '),
  ),
  stream('a colon in a value is part of it', 'data: a:b\ndata::c\ndata: : d\n\n', of('a:b\n:c\n: d')),
  stream('fields may come in any order', 'data: a\nid: 1\nevent: update\ndata: b\n\n', [
    { data: 'a\nb', id: '1', event: 'update' },
  ]),
  stream(
    'comments are ignored, also between the lines of an event',
    ':\n: data: x\n\n:x\ndata: a\n:\n:data: x\ndata: b\n\n:\n\n',
    of('a\nb'),
  ),
  stream(
    'unknown fields are ignored',
    'datas: x\ndat: x\nnote\nDATA: x\nEvent: x\n data: x\ndata : x\nda ta: x\ndata: a\n\n',
    of('a'),
  ),
  stream('a blank first line is nothing', '\ndata: a\n\n', of('a')),
  stream('a stream may begin with many blank lines', '\n\r\n\r\r\ndata: a\n\n', of('a')),
  stream('many events in one chunk arrive in order', many.map((data) => `data: ${data}\n\n`).join(''), of(...many)),
  stream('a line of a million characters arrives whole', `data: ${long}\n\n`, of(long)),
  stream('a long line arrives whole in many chunks', `data: ${long.slice(0, 50_000)}\n\n`, of(long.slice(0, 50_000)), {
    cut: 500,
  }),
  stream('characters of several bytes arrive whole', 'data: é 日本 😀\nevent: 😀\n\n', [
    { data: 'é 日本 😀', event: '😀' },
  ]),
  stream('characters of several bytes may come in pieces', 'data: é 日本 😀\n\n', of('é 日本 😀'), { cut: 1 }),
  stream(
    'what is not UTF-8 becomes U+FFFD, and the stream goes on',
    [[...ascii('data: a'), 0xff, ...ascii('b'), 0xc3, ...ascii('(c'), 0xf0, 0x9f, ...ascii('\n\ndata: d\n\n')]],
    of('a\ufffdb\ufffd(c\ufffd', 'd'),
  ),
  stream('a stream is UTF-8 whatever charset its type names', 'data: é\n\n', of('é'), {
    headers: { 'content-type': 'text/event-stream; charset=windows-1252' },
  }),
  {
    name: 'an event whose blank line never comes is none, and the next stream does not go on with it',
    answers: [
      { body: 'retry: 50\ndata: a\n\nid: 9\nevent: update\ndata: unfinished\n', after: 'end' },
      { body: 'data: b\n\n' },
    ],
    expects: { messages: of('a', 'b'), sent: [{}, { 'last-event-id': null }] },
  },
  {
    name: 'nor is one whose last line never ends',
    answers: [{ body: 'retry: 50\ndata: a\n\ndata: unfinished\nid: 9', after: 'end' }, { body: '\ndata: b\n\n' }],
    expects: { messages: of('a', 'b'), sent: [{}, { 'last-event-id': null }] },
  },
];

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
