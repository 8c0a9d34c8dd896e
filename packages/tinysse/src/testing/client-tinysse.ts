import type { Answer, ClientCase } from './client-case.js';

const EPOCH = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const at = (offset: number, epoch = EPOCH): string => `${epoch}-${offset}`;
const message = (offset: number, epoch = EPOCH): string => `id: ${at(offset, epoch)}\ndata: m${offset}\n\n`;
const heard = (offset: number, epoch = EPOCH) => ({ data: `m${offset}`, id: at(offset, epoch) });
const position = (offset: number): string => `event: tinysse:position\nid: ${at(offset)}\ndata: 15000\n\n`;
const reset = (reason: string, id: string): string =>
  `event: tinysse:reset\nid: ${id}\ndata: {"reason":"${reason}","lastEventId":"x","resumedAt":"${id}"}\n\n`;
const RESET = 'event: tinysse:reset\ndata: {"reason":"evicted","lastEventId":"x","resumedAt":"x"}\n\n';
const UNSAID = 'event: tinysse:position\ndata: 15000\n\n';
/** A snapshot up to before its position: `data` are its messages. */
const snapshot = (reason: string, ...data: string[]): string =>
  `event: tinysse:snapshot\ndata: {"reason":"${reason}"}\n\n${data.map((line) => `data: ${line}\n\n`).join('')}`;
const ended = (body: string): Answer => ({ body: `retry: 50\n${body}`, after: 'end' });

/** What a client of tinysse servers does beside, or in spite of, the standard. */
export const tinysseCases: readonly ClientCase[] = [
  {
    name: "the server's own events are no messages",
    answers: [{ body: position(0) + message(1) + reset('evicted', at(4)) + message(5) + position(7) + message(8) }],
    expects: { messages: [heard(1), heard(5), heard(8)], resets: ['evicted'] },
  },
  {
    name: 'a position is where it goes on, before any event has come',
    answers: [ended(position(3)), { body: message(4) }],
    expects: { messages: [heard(4)], sent: [{ 'last-event-id': null }, { 'last-event-id': at(3) }] },
  },
  {
    name: 'a later position moves it on',
    answers: [ended(position(3) + message(4) + position(9)), { body: message(10) }],
    expects: { messages: [heard(4), heard(10)], sent: [{}, { 'last-event-id': at(9) }] },
  },
  {
    name: 'what it has seen is suppressed',
    answers: [
      ended(position(0) + message(1) + message(2)),
      { body: position(0) + message(1) + message(2) + message(3) },
    ],
    expects: { messages: [heard(1), heard(2), heard(3)] },
  },
  {
    name: 'an event that comes twice on one stream is suppressed',
    answers: [{ body: position(0) + message(1) + message(1) + message(2) + message(1) + message(3) }],
    expects: { messages: [heard(1), heard(2), heard(3)] },
  },
  {
    name: 'nothing is suppressed where no position was shown',
    answers: [{ body: message(1) + message(1) + message(2) + message(1) }],
    expects: { messages: [heard(1), heard(1), heard(2), heard(1)] },
  },
  {
    name: 'ids of another log are not compared',
    answers: [{ body: position(5) + message(1, OTHER) + message(2, OTHER) }],
    expects: { messages: [heard(1, OTHER), heard(2, OTHER)] },
  },
  ...['evicted', 'epoch', 'unknown'].map(
    (reason): ClientCase => ({
      name: `a reset (${reason}) is told, and moves the position wherever it says`,
      answers: [
        ended(position(5) + message(6) + reset(reason, at(2)) + message(3)),
        { body: position(3) + message(4) },
      ],
      expects: {
        messages: [heard(6), heard(3), heard(4)],
        resets: [reason],
        sent: [{}, { 'last-event-id': at(3) }],
      },
    }),
  ),
  {
    name: 'a snapshot is told when it begins and when it is complete; its position is where it goes on',
    answers: [
      ended(UNSAID + snapshot('start', 'a', 'b') + position(5) + message(6) + message(6)),
      { body: position(6) + message(7) },
    ],
    expects: {
      messages: [{ data: 'a' }, { data: 'b' }, heard(6), heard(7)],
      snapshots: [{ reason: 'start', from: 0, to: 2 }],
      sent: [{ 'last-event-id': null }, { 'last-event-id': at(6) }],
    },
  },
  ...[at(2), at(2, OTHER)].map(
    (start): ClientCase => ({
      name: `after a snapshot the position is its own, ${start === at(2) ? 'even a lower one' : 'even of another log'}`,
      answers: [
        ended(position(5) + message(6) + RESET + snapshot('evicted', 'a') + position(0).replace(at(0), start)),
        { body: message(8) },
      ],
      expects: {
        messages: [heard(6), { data: 'a', id: at(6) }, heard(8)],
        resets: ['evicted'],
        snapshots: [{ reason: 'evicted', from: 1, to: 2 }],
        sent: [{}, { 'last-event-id': start }],
      },
    }),
  ),
  {
    name: 'after a snapshot what follows its position is heard, also what had been seen before it, and once',
    answers: [
      {
        body: position(5) + message(6) + snapshot('evicted', 'a') + position(5) + message(6) + message(6) + message(7),
      },
    ],
    expects: {
      messages: [heard(6), { data: 'a', id: at(6) }, heard(6), heard(7)],
      snapshots: [{ reason: 'evicted', from: 1, to: 2 }],
    },
  },
  {
    name: 'positions without an id in the middle of a snapshot are heartbeats',
    answers: [
      { body: UNSAID + snapshot('start', 'a') + UNSAID + snapshot('start', 'b') + UNSAID + position(5) + message(6) },
    ],
    expects: {
      messages: [{ data: 'a' }, { data: 'b' }, heard(6)],
      snapshots: [
        { reason: 'start', from: 0 },
        { reason: 'start', from: 1, to: 2 },
      ],
    },
  },
  ...[undefined, at(3)].map(
    (before): ClientCase => ({
      name: `a snapshot that is cut is asked for again, ${before ? 'from the position before it' : 'as a newcomer'}`,
      answers: [
        ended((before ? position(3) : UNSAID) + snapshot('evicted', 'a')),
        { body: UNSAID + snapshot('evicted', 'a', 'b') + position(9) },
      ],
      expects: {
        messages: ['a', 'a', 'b'].map((data) => ({ data, id: before ?? '' })),
        snapshots: [
          { reason: 'evicted', from: 0 },
          { reason: 'evicted', from: 1, to: 3 },
        ],
        sent: [{}, { 'last-event-id': before ?? null }],
      },
    }),
  ),
  {
    name: 'a stream that goes on without the snapshot that was cut is left, and one is asked for as by a newcomer',
    answers: [
      ended(position(3) + snapshot('start', 'a')),
      { body: `retry: 50\n${position(3)}${message(4)}` },
      { body: UNSAID + snapshot('start', 'a', 'b') + position(9) },
    ],
    expects: {
      messages: ['a', 'a', 'b'].map((data, n) => (n ? { data } : { data, id: at(3) })),
      resets: ['unknown'],
      snapshots: [
        { reason: 'start', from: 0 },
        { reason: 'start', from: 1, to: 3 },
      ],
      sent: [{}, { 'last-event-id': at(3) }, { 'last-event-id': null }],
    },
  },
  {
    name: 'where the server begins elsewhere without a word, after events without ids, that is a gap',
    answers: [ended(position(3)), { body: `${UNSAID}data: own\n\n${position(9)}${message(10)}` }],
    expects: { messages: [{ data: 'own', id: at(3) }, heard(10)], resets: ['unknown'] },
  },
  ...[408, 429, 500, 502, 503, 504].map(
    (status): ClientCase => ({
      name: `${status} is tried again`,
      answers: [{ status }, { body: message(1) }],
      expects: { messages: [heard(1)] },
    }),
  ),
  {
    name: 'Retry-After is waited for',
    answers: [{ status: 503, headers: { 'retry-after': '2' } }, { body: message(1) }],
    expects: { messages: [heard(1)], lost: 1, waitedMs: 2_000 },
  },
  {
    name: 'a wait of nothing is no hot loop',
    answers: Array.from({ length: 50 }, () => ({ body: 'retry: 0\n\n', after: 'end' as const })),
    expects: { lost: 1, requests: 13, watchMs: 1_200 },
  },
];
