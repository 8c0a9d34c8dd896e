/**
 * What is wrong with what clients saw. All zero: every client saw every event of its channels once, in one order.
 *
 * @typedef {{ lost: number, duplicated: number, disordered: number, foreign: number, malformed: number, closed: number,
 *   refused: number }} Violations
 */

/**
 * Compares what every client saw with what was published to its channels.
 *
 * The order is that of the server's own numbers where its answers to publishing told them; else the order of
 * publishing when one connection published; else that of the first client with the same channels.
 *
 * @param {{ clients: import('./client.mjs').Client[], targets: string[][], publisher: import('./publisher.mjs').Publisher,
 *   connections: number }} run
 * @returns {Violations}
 */
export function check({ clients, targets, publisher, connections }) {
  const violations = { lost: 0, duplicated: 0, disordered: 0, foreign: 0, malformed: 0, closed: 0 };
  const byChannel = numbersByChannel(targets);
  const ranked = targets.every((_, number) => publisher.ranks[number] !== undefined);
  const rank = ranked ? (number) => publisher.ranks[number] : connections === 1 ? (number) => number : undefined;
  const due = new Map();
  for (const client of clients) {
    const key = client.channels.join(' ');
    let expected = due.get(key);
    if (!expected) {
      const numbers = [...new Set(client.channels.flatMap((channel) => byChannel.get(channel) ?? []))];
      const order = rank ?? orderOf(client);
      expected = numbers.sort((a, b) => order(a) - order(b));
      due.set(key, expected);
    }
    compare(client, expected, violations);
    violations.malformed += client.broken;
    violations.closed += client.closed ? 1 : 0;
  }
  return { ...violations, refused: publisher.refused };
}

function numbersByChannel(targets) {
  const byChannel = new Map();
  targets.forEach((channels, number) => {
    for (const channel of channels) {
      const numbers = byChannel.get(channel);
      if (numbers) numbers.push(number);
      else byChannel.set(channel, [number]);
    }
  });
  return byChannel;
}

function orderOf(client) {
  const place = new Map();
  for (let i = 0; i < client.count; i++) if (!place.has(client.numbers[i])) place.set(client.numbers[i], i);
  return (number) => place.get(number) ?? Number.MAX_SAFE_INTEGER;
}

function compare(client, expected, violations) {
  let same = client.count === expected.length;
  for (let i = 0; same && i < expected.length; i++) same = client.numbers[i] === expected[i];
  if (same) return;
  const place = new Map(expected.map((number, i) => [number, i]));
  const seen = new Set();
  let last = -1;
  for (const number of client.numbers.subarray(0, client.count)) {
    const at = place.get(number);
    if (at === undefined) violations.foreign++;
    else if (seen.has(number)) violations.duplicated++;
    else {
      if (at < last) violations.disordered++;
      last = Math.max(last, at);
      seen.add(number);
    }
  }
  violations.lost += expected.length - seen.size;
}
