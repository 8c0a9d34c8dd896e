import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { RawClient } from '../clients/raw.mjs';
import { Ledger } from '../ledger/ledger.mjs';
import { Random } from '../parts/random.mjs';
import { until } from '../parts/wait.mjs';

const EPOCH = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const COUNT = 5;

const at = (offset: number, epoch = EPOCH): string => `${epoch}-${offset}`;
const frame = (id: string, data: string, event?: string): string =>
  `id: ${id}\n${event ? `event: ${event}\n` : ''}data: ${data}\n\n`;
const position = (id: string): string => frame(id, '1000', 'tinysse:position');
const reset = (reason: string, from: string, to: string, resumedAt = to): string =>
  frame(to, JSON.stringify({ reason, lastEventId: from, resumedAt }), 'tinysse:reset');
const numbered = (offset: number, epoch?: string): string => frame(at(offset, epoch), `event ${offset}`);
const through = (last: number): string[] => Array.from({ length: last }, (_, i) => numbered(i + 1));

/** Books in which five events were accepted at offsets 1 to 5 for channel a. */
function books(): Ledger {
  const ledger = new Ledger();
  for (let offset = 1; offset <= COUNT; offset++) ledger.accepted(ledger.submit(['a'], `event ${offset}`), at(offset));
  return ledger;
}

/** Lets a stand-in server send this text, a piece for each connection, to a real client. @returns the violations */
async function served(connections: readonly string[], { ledger = books(), head = at(COUNT), mayEvict = false } = {}) {
  let next = 0;
  const server = createServer((_, res) => {
    const last = next === connections.length - 1;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    if (next >= connections.length) return;
    res.write(connections[next++]);
    if (!last) res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const reader = ledger.reader('the client', ['a']);
  const client = new RawClient({ reader, origin: () => `http://127.0.0.1:${port}`, random: new Random(1), retryMs: 1 });
  onTestFinished(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const frames = connections.join('').split('\n\n').length - 1;
  await until(() => client.frames === frames, 10_000);
  return ledger.balance(head, { mayEvict: () => mayEvict });
}

test('books of a server that keeps the promise balance, over several connections too', async () => {
  expect(await served([position(at(0)) + through(3).join(''), position(at(3)) + numbered(4) + numbered(5)])).toEqual(
    [],
  );
});

test.each([
  ['loses an event', [1, 2, 4, 5], /missed .*-3, "event 3" \(accepted\), silently/],
  ['loses the last event', [1, 2, 3, 4], /missed .*-5,/],
  ['sends an event twice', [1, 2, 2, 3, 4, 5], /got 2 again or out of order/],
  ['sends events out of order', [1, 3, 2, 4, 5], /got 2 again or out of order/],
])('a server that %s is caught', async (_, offsets, what) => {
  const violations = await served([position(at(0)) + offsets.map((offset) => numbered(offset)).join('')]);
  expect(violations).toContainEqual(expect.stringMatching(what));
});

test('a server that loses an event between two connections is caught, and one that repeats it', async () => {
  expect(await served([position(at(0)) + through(2).join(''), position(at(3)) + numbered(4) + numbered(5)])).toEqual([
    expect.stringContaining(`missed ${at(3)}`),
  ]);
  expect(await served([position(at(0)) + through(2).join(''), position(at(1)) + through(5).slice(2).join('')])).toEqual(
    [expect.stringContaining(`was sent back to ${at(1)}`)],
  );
});

test('an event that nobody published is caught, and other data, and another channel', async () => {
  const rest = through(COUNT).join('');
  expect(await served([position(at(0)) + rest + frame(at(6), 'made up')], { head: at(6) })).toEqual([
    'the client got 0123456789abcdef-6, "made up", which nobody published',
  ]);
  const changed = await served([position(at(0)) + rest.replace('data: event 2', 'data: event 9')]);
  expect(changed).toContainEqual(expect.stringContaining('got "event 9" for 0123456789abcdef-2, "event 2"'));
  const ledger = books();
  ledger.accepted(ledger.submit(['b'], 'for others'), at(6));
  expect(await served([position(at(0)) + rest + frame(at(6), 'for others')], { ledger, head: at(6) })).toEqual([
    'the client got 0123456789abcdef-6 of other channels: b',
  ]);
});

test('an event that was rejected must not show up, and one of unknown outcome once at most', async () => {
  const ledger = books();
  ledger.rejected(ledger.submit(['a'], 'refused'));
  ledger.unknown(ledger.submit(['a'], 'perhaps'));
  ledger.unknown(ledger.submit(['a'], 'never'));
  const more = frame(at(6), 'refused') + frame(at(7), 'perhaps') + frame(at(8), 'perhaps');
  expect(await served([position(at(0)) + through(COUNT).join('') + more], { ledger, head: at(8) })).toEqual([
    '"perhaps" is in the log twice: 0123456789abcdef-7 and 0123456789abcdef-8',
    '"refused" was rejected, but stands at 6',
  ]);
});

test('what one reader has seen is due to all others, whatever its publisher was told', async () => {
  const ledger = books();
  ledger.unknown(ledger.submit(['a'], 'perhaps'));
  ledger.reader('another', ['a']).frame({ id: at(5), event: 'tinysse:position', data: '' });
  ledger.readers[0]?.frame({ id: at(6), data: 'perhaps' });
  expect(await served([position(at(0)) + through(COUNT).join('')], { ledger, head: at(6) })).toEqual([
    `the client missed ${at(6)}, "perhaps" (unknown), silently, between 0 and 6`,
  ]);
});

test('a reset excuses what it names, no more and not without a cause', async () => {
  const evicted = (resumedAt: number) => [
    position(at(1)) + reset('evicted', at(1), at(1), at(resumedAt)) + numbered(4) + numbered(5),
  ];
  expect(await served(evicted(3), { mayEvict: true })).toEqual([]);
  expect(await served(evicted(3))).toEqual([expect.stringContaining('nothing was evicted')]);
  expect(await served(evicted(2), { mayEvict: true })).toEqual([expect.stringContaining(`missed ${at(3)}`)]);
  const back = position(at(3)) + reset('evicted', at(3), at(1), at(2)) + numbered(4) + numbered(5);
  expect(await served([back], { mayEvict: true })).toContainEqual(expect.stringContaining('sends it to'));
  const elsewhere = position(at(3)) + reset('evicted', at(1), at(3), at(4)) + numbered(5);
  expect(await served([elsewhere], { mayEvict: true })).toContainEqual(
    expect.stringContaining(`a reset names ${at(1)}`),
  );
});

test('a new epoch needs a cause, and a log that lost nothing goes on where the reader was', async () => {
  const crossing = (from: number, to: number) =>
    position(at(0)) + through(from).join('') + reset('epoch', at(from), at(to, OTHER));
  const onwards = (first: number) =>
    [first, first + 1, first + 2]
      .filter((offset) => offset <= 6)
      .map((offset) => numbered(offset, OTHER))
      .join('');
  const after = (lossless?: boolean) => {
    const ledger = books();
    ledger.accepted(ledger.submit(['a'], 'event 6'), at(6, OTHER));
    if (lossless !== undefined) ledger.succeeded(EPOCH, OTHER, lossless);
    return { ledger, head: at(6, OTHER) };
  };
  expect(await served([crossing(3, 3) + onwards(4)], after(true))).toEqual([]);
  expect(await served([crossing(3, 3) + onwards(4)], after())).toContainEqual(
    expect.stringMatching(/without a cause|do not follow/),
  );
  // 4 and 5 live on in the new epoch.
  expect(await served([crossing(3, 3) + numbered(6, OTHER)], after(true))).toEqual([
    expect.stringContaining(`missed ${at(4, OTHER)}`),
    expect.stringContaining(`missed ${at(5, OTHER)}`),
  ]);
  // They may have been lost, but nobody may see 3 again.
  expect(await served([crossing(3, 3) + numbered(6, OTHER)], after(false))).toEqual([]);
  expect(await served([crossing(3, 2) + numbered(3, OTHER) + numbered(6, OTHER)], after(false))).toEqual([
    expect.stringContaining('got "event 3" twice'),
  ]);
  expect(await served([crossing(3, 2) + onwards(3) + numbered(6, OTHER)], after(true))).toContainEqual(
    expect.stringContaining('nothing was lost between the two'),
  );
  expect(await served([crossing(3, 5) + numbered(6, OTHER)], after(false))).toEqual([
    expect.stringContaining('it goes on later than it was'),
  ]);
  // A log that has lost everything begins at 1 again, and a reset must not lead past that.
  const anew = after(false);
  anew.ledger.accepted(anew.ledger.submit(['a'], 'anew'), at(1, OTHER));
  expect(await served([crossing(3, 2) + numbered(6, OTHER)], anew)).toEqual([
    expect.stringContaining('it goes on after events of the new epoch, which begins at 1'),
  ]);
});

test('an event of unknown outcome that is first seen in a later epoch does not tell where that begins', async () => {
  const ledger = books();
  ledger.unknown(ledger.submit(['b'], 'perhaps'));
  ledger.accepted(ledger.submit(['a'], 'event 6'), at(6));
  ledger.accepted(ledger.submit(['a'], 'event 7'), at(8, OTHER));
  ledger.succeeded(EPOCH, OTHER, false);
  const another = ledger.reader('another', ['b']);
  another.frame({ id: at(7, OTHER), event: 'tinysse:position', data: '' });
  another.leave();
  const before = ledger.reader('one that was behind', ['b']);
  before.frame({ id: at(6, OTHER), event: 'tinysse:position', data: '' });
  before.frame({ id: at(7, OTHER), data: 'perhaps' });
  const onwards = frame(at(8, OTHER), 'event 7');
  const there = position(at(0)) + through(6).join('') + position(at(7)) + reset('epoch', at(7), at(7, OTHER)) + onwards;
  expect(await served([there], { ledger, head: at(8, OTHER) })).toEqual([]);
});

test('a reader that stays in a former epoch, or never gets a position, is caught', async () => {
  const ledger = books();
  ledger.accepted(ledger.submit(['a'], 'event 6'), at(6, OTHER));
  ledger.succeeded(EPOCH, OTHER, false);
  ledger.reader('nobody', ['a']);
  expect(await served([position(at(0)) + through(COUNT).join('')], { ledger, head: at(6, OTHER) })).toEqual([
    'nobody never got a position',
    `the client ended at ${at(5)}, not in epoch ${OTHER}`,
  ]);
});

test('a reset without an id and a snapshot after it stand in for what is missing; a snapshot that is cut does not', async () => {
  const gap = `event: tinysse:reset\ndata: ${JSON.stringify({ reason: 'evicted', lastEventId: at(1), resumedAt: at(4) })}\n\n`;
  const begin = 'event: tinysse:snapshot\ndata: {}\n\n';
  const row = (serial: number): string => `event: row\ndata: a ${serial}\n\n`;
  const numberedBooks = (): Ledger => {
    const ledger = books();
    for (const [offset, event] of ledger.epochs.get(EPOCH) ?? []) event.serial = offset;
    return ledger;
  };
  const whole = `${gap}${begin}${row(4)}${position(at(4))}`;
  const first = position(at(0)) + numbered(1);
  const options = () => ({ ledger: numberedBooks(), mayEvict: true });
  expect(await served([first + whole + numbered(5)], options())).toEqual([]);
  expect(await served([first + gap + begin, whole + numbered(5)], options())).toEqual([]);
  expect(await served([first + gap + begin + row(4), numbered(5)], options())).toContainEqual(
    expect.stringMatching(/missed .*-2/),
  );
  expect(await served([first + gap + begin + row(3) + position(at(4)) + numbered(5)], options())).toContainEqual(
    expect.stringMatching(/a snapshot at .*-4 with a 3, and change 4/),
  );
  expect(await served([first + gap + begin + position(at(4)) + numbered(5)], options())).toContainEqual(
    expect.stringMatching(/without a/),
  );
});
