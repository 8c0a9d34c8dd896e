import type { Random } from './random.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
/** `GET /events?channel=a` in the static table of HPACK and literals: a stream that opens. */
const headersFor = (authority: string): Buffer =>
  Buffer.concat([
    Buffer.from([0x82, 0x87, 0x04, 17]),
    Buffer.from('/events?channel=a'),
    Buffer.from([0x01, authority.length]),
    Buffer.from(authority),
  ]);

/** What a client of HTTP/2 might send: a preface that is nearly always right, and frames of every kind with anything in them. */
export function frames(random: Random, authority: string): Buffer {
  const headers = headersFor(authority);
  const parts = [random.chance(0.95) ? PREFACE : random.bytes(24)];
  if (random.chance(0.9)) parts.push(SETTINGS);
  if (random.chance(0.3)) parts.push(frame(1, 0x5, 1, headers));
  for (let n = random.number(10); n > 0; n--) {
    const bytes = random.chance(0.2) ? headers : random.bytes(random.number(200));
    const stream = random.chance(0.5) ? random.number(9) : random.number(2 ** 31);
    parts.push(frame(random.number(12), random.number(256), stream, bytes));
  }
  if (random.chance(0.2)) parts.push(random.bytes(random.number(50)));
  return Buffer.concat(parts);
}

/** Source: RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}
