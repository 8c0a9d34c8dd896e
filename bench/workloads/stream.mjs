const WORDS =
  'amber basin cedar delta ember fjord grove harbor inlet jetty knoll lagoon meadow north orchard prairie quarry ridge'.split(
    ' ',
  );
const WIDE = 'café naïve 東京 Ελλάδα Привет 🌊 smörgås'.split(' ');

/** A random number in [0, 1) from a seed: the same stream in every run. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * An event stream of about `bytes` bytes, 3 to 14 words an event: half one-line JSON, a quarter with id and name, 15 %
 * of three data lines, 5 % comments, 5 % text of several bytes a character. `end` ends the lines.
 */
export function eventStream(bytes, end = '\n') {
  const random = seeded(1);
  const words = (list) =>
    Array.from({ length: 3 + Math.floor(random() * 12) }, () => list[Math.floor(random() * list.length)]).join(' ');
  const blocks = [];
  let number = 0;
  for (let size = 0; size < bytes; ) {
    const chance = random();
    number++;
    let block;
    if (chance < 0.5) block = `data: {"n":${number},"text":"${words(WORDS)}"}\n\n`;
    else if (chance < 0.75) block = `id: ${number}\nevent: update\ndata: ${words(WORDS)}\n\n`;
    else if (chance < 0.9) block = `data: ${words(WORDS)}\ndata: ${words(WORDS)}\ndata: ${words(WORDS)}\n\n`;
    else if (chance < 0.95) block = `: ${words(WORDS)}\n\n`;
    else block = `data: ${words(WIDE)}\n\n`;
    blocks.push(block);
    size += Buffer.byteLength(block);
  }
  // A parser may wait with a CR at the very end: the comment is what it may miss.
  return Buffer.from(`${blocks.join('')}: end\n`.replaceAll('\n', end));
}

/** One event whose data is a line of `bytes` bytes. */
export function oneLine(bytes) {
  return Buffer.from(`data: ${'x'.repeat(bytes)}\n\n`);
}
