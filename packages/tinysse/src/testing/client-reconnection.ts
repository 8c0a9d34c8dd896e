import type { Answer, ClientCase, ClientExpectations } from './client-case.js';

const AGAIN = 'retry: 50\n';

/** A stream that ends, and then one that says hello. */
function again(name: string, first: Answer, sent: string | null, more: ClientExpectations = {}): ClientCase {
  return {
    name,
    answers: [{ after: 'end', ...first }, { body: 'data: hello\n\n' }],
    expects: {
      messages: [{ data: 'hello', id: sent ?? '' }],
      sent: [{ 'last-event-id': null }, { 'last-event-id': sent }],
      ...more,
    },
  };
}

/** What follows the loss of a stream. Source: WHATWG HTML, reestablishing the connection. */
export const reconnectionCases: readonly ClientCase[] = [
  again('a stream that has ended is opened again', { body: `${AGAIN}\n` }, null, { opens: 2, lost: 1 }),
  again('a stream that breaks is opened again', { body: `${AGAIN}\n`, after: 'drop' }, null, { opens: 2, lost: 1 }),
  again('an attempt that gets no answer is made again', { after: 'drop' }, null),
  again('the id goes along, and holds for events without one', { body: `${AGAIN}id: 1\n: with data\ndata\n\n` }, '1', {
    messages: [
      { data: '', id: '1' },
      { data: 'hello', id: '1' },
    ],
  }),
  again('so does that of an earlier event, if later ones have none', { body: `${AGAIN}id: 1\ndata\n\ndata\n\n` }, '1', {
    messages: [
      { data: '', id: '1' },
      { data: '', id: '1' },
      { data: 'hello', id: '1' },
    ],
  }),
  again('an id goes along as UTF-8', { body: `${AGAIN}id: grüße …\ndata\n\n` }, 'grüße …', {
    messages: [
      { data: '', id: 'grüße …' },
      { data: 'hello', id: 'grüße …' },
    ],
  }),
  again('the id of a block without data goes along', { body: `${AGAIN}id: 1\n\n` }, '1'),
  again('an empty id takes it away', { body: `${AGAIN}id: 1\ndata\n\nid:\ndata\n\n` }, null, {
    messages: [{ data: '', id: '1' }, { data: '' }, { data: 'hello' }],
  }),
  again('an id with NUL does not go along', { body: `${AGAIN}id: 1\ndata\n\nid: 2\0\ndata\n\n` }, '1', {
    messages: [
      { data: '', id: '1' },
      { data: '', id: '1' },
      { data: 'hello', id: '1' },
    ],
  }),
  again(
    'the id of an event that was not ended does not go along',
    { body: `${AGAIN}id: 1\ndata\n\nid: 2\ndata: x\n` },
    '1',
    {
      messages: [
        { data: '', id: '1' },
        { data: 'hello', id: '1' },
      ],
    },
  ),
  {
    name: 'an id lives through several streams',
    answers: [
      { body: `${AGAIN}id: 1\ndata\n\n`, after: 'end' },
      { body: 'data\n\n', after: 'end' },
      { body: 'data\n\n' },
    ],
    expects: {
      messages: [1, 2, 3].map(() => ({ data: '', id: '1' })),
      sent: [{}, { 'last-event-id': '1' }, { 'last-event-id': '1' }],
    },
  },
  again('the wait is the one that the server asks for', { body: 'retry: 1700\n\n' }, null, { waitedMs: 1_700 }),
  again('leading zeros change nothing', { body: 'retry: 0001700\n\n' }, null, { waitedMs: 1_700 }),
  again(
    'a wait that is not all digits is ignored',
    {
      body: 'retry: 1700\nretry: 50x\nretry: x50\nretry: 5.0\nretry: -5\nretry: +5\nretry: 5e1\nretry: 5 \nretry:  5\nretry: ٥\n\n',
    },
    null,
    { waitedMs: 1_700 },
  ),
  {
    name: 'a wait of months is no hot loop',
    answers: [{ body: 'retry: 9999999999\n\n', after: 'end' }, {}],
    expects: { lost: 1, requests: 1, watchMs: 1_200 },
  },
  {
    name: 'streams that end at once are no hot loop',
    answers: Array.from({ length: 20 }, () => ({ body: ':\n\n', after: 'end' as const })),
    expects: { lost: 1, requests: 2, watchMs: 900 },
  },
  {
    name: '204 ends it when it comes again',
    answers: [{ body: `${AGAIN}\n`, after: 'end' }, { status: 204 }, {}],
    expects: { opens: 1, lost: 1, closed: true, requests: 2 },
  },
  {
    name: 'an answer that is no stream ends it when it comes again',
    answers: [
      { body: `${AGAIN}\n`, after: 'end' },
      { headers: { 'content-type': 'text/plain' }, body: 'data: x\n\n', after: 'end' },
      {},
    ],
    expects: { opens: 1, lost: 1, closed: true, requests: 2 },
  },
  {
    name: 'when it is closed the connection goes, and no more events come, not even those that have arrived',
    answers: [{ body: 'data: a\n\ndata: b\n\n' }],
    expects: { messages: [{ data: 'a' }], requests: 1 },
    closeOn: 'message',
  },
  {
    name: 'when it is closed while it waits it does not come again',
    answers: [{ body: `${AGAIN}\n`, after: 'end' }, { body: 'data: a\n\n' }],
    expects: { lost: 1, requests: 1, watchMs: 1_200 },
    closeOn: 'lost',
  },
];
