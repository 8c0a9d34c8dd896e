import type { Answer, ClientCase } from './client-case.js';

const EPOCH = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const at = (offset: number, epoch = EPOCH): string => `${epoch}-${offset}`;
const message = (offset: number, epoch = EPOCH): string => `id: ${at(offset, epoch)}\ndata: m${offset}\n\n`;
const heard = (offset: number, epoch = EPOCH) => ({ data: `m${offset}`, id: at(offset, epoch) });
const position = (offset: number): string => `event: tinysse:position\nid: ${at(offset)}\ndata: 15000\n\n`;
const reset = (reason: string, id: string): string =>
  `event: tinysse:reset\nid: ${id}\ndata: {"reason":"${reason}","lastEventId":"x","resumedAt":"${id}"}\n\n`;
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
