import type { Answer, ClientCase } from './client-case.js';

const HELLO = 'data: hello\n\n';
const hello = { messages: [{ data: 'hello' }] };

/** An answer that ends a client for good. */
function ends(name: string, answer: Answer): ClientCase {
  return { name, answers: [answer, { body: HELLO }], expects: { closed: true, requests: 1 } };
}

const typed = (type: string): Answer => ({ headers: { 'content-type': type }, body: HELLO, after: 'end' });

const status = (status: number): ClientCase =>
  ends(`${status} ends it`, { status, ...(![204, 205, 304].includes(status) && { body: HELLO }) });

/** What an EventSource does, and another client need not: say that caches must keep out, and end on failures that pass. */
export const eventSourceCases: readonly ClientCase[] = [
  {
    name: 'tells caches to keep out',
    answers: [{ body: HELLO }],
    expects: { ...hello, sent: [{ 'cache-control': 'no-cache' }] },
  },
  ...[500, 502, 503].map(status),
];

/** What is asked, and which answers are streams. Source: WHATWG HTML, the constructor of EventSource. */
export const httpCases: readonly ClientCase[] = [
  {
    name: 'asks by GET for an event stream, and for no event when it has seen none',
    answers: [{ body: HELLO }],
    expects: { ...hello, sent: [{ accept: 'text/event-stream', 'last-event-id': null }] },
  },
  {
    name: 'does not take a stream from a cache',
    answers: [1, 2].map((n) => ({
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'public, max-age=3600' },
      body: `retry: 50\ndata: answer ${n}\n\n`,
      after: 'end' as const,
    })),
    expects: { messages: [{ data: 'answer 1' }, { data: 'answer 2' }] },
  },
  { name: 'is open when the headers have come', answers: [{}], expects: { opens: 1 } },
  {
    name: 'says so before the first event',
    answers: [{ body: HELLO }],
    expects: { ...hello, opens: 1 },
  },
  {
    name: 'events are of the origin of the stream',
    answers: [{ body: HELLO }],
    expects: { messages: [{ data: 'hello', origin: 'here' }] },
  },
  ...[204, 205, 210, 299, 300, 304, 400, 401, 403, 404, 410].map(status),
  ...[301, 302, 303, 307, 308].flatMap((status): ClientCase[] => [
    {
      name: `${status} is followed`,
      answers: [{ status, redirect: 'here' }, { body: HELLO }],
      expects: {
        messages: [{ data: 'hello', origin: 'here' }],
        requests: 2,
        sent: [{}, { accept: 'text/event-stream' }],
      },
    },
    {
      name: `${status} is followed to another origin`,
      answers: [{ status, redirect: 'abroad' }, { body: HELLO }],
      expects: { messages: [{ data: 'hello', origin: 'abroad' }], requests: 2 },
    },
  ]),
  {
    name: 'a redirect to a failure ends it',
    answers: [{ status: 302, redirect: 'here' }, { status: 404 }, { body: HELLO }],
    expects: { closed: true, requests: 2 },
  },
  {
    name: 'a redirect that leads nowhere ends it',
    answers: [{ status: 302 }, { body: HELLO }],
    expects: { closed: true, requests: 1 },
  },
  ...[
    'text/event-stream;charset=utf-8',
    'text/event-stream; charset=UTF-8',
    'text/event-stream ;a="b;c"',
    'text/event-stream;',
    'TEXT/Event-Stream',
    'text/event-stream; a="b,c"',
    // As if the header had come twice.
    'text/event-stream, text/event-stream',
    'text/html, text/event-stream; charset=utf-8',
  ].map((type): ClientCase => ({ name: `${type} is a stream`, answers: [typed(type)], expects: hello })),
  ...[
    'text/plain',
    'application/json',
    'text/event-streams',
    'text/event-stream-x',
    'text/x-bogus',
    'event-stream',
    'text/ event-stream',
    'text/event-stream, text/html',
  ].map((type) => ends(`${type} is no stream and ends it`, typed(type))),
  ends('an answer without a type ends it', { headers: {}, body: HELLO, after: 'end' }),
];
