// node decode.mjs tinysse|parser MEBIBYTES [LF|CRLF|CR]: decodes a stream from bytes; prints how fast, and what it found.
import { createParser } from 'eventsource-parser';
import { createDecoder } from '../../packages/tinysse/dist/protocol/decode.js';
import { eventStream, oneLine } from './stream.mjs';

const SLICE = 64 * 1024;
const [subject, mebibytes, end = 'LF'] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const ENDS = { LF: '\n', CRLF: '\r\n', CR: '\r' };

let events = 0;
let units = 0;
const onEvent = ({ data, event }) => {
  events++;
  // Ids are left out: one reports the last one of the stream, the other that of the event alone.
  units += data.length + (event === 'update' ? 1 : 0);
};

const feeds = {
  tinysse() {
    const decoder = createDecoder({ onEvent });
    return (bytes) => decoder.feed(bytes);
  },
  parser() {
    const parser = createParser({ onEvent });
    const text = new TextDecoder();
    return (bytes) => parser.feed(text.decode(bytes, { stream: true }));
  },
};

/** @returns seconds of CPU */
function decode(bytes) {
  const feed = feeds[subject]();
  const began = process.cpuUsage();
  for (let at = 0; at < bytes.length; at += SLICE) feed(bytes.subarray(at, at + SLICE));
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1e6;
}

const bytes = eventStream(mebibytes * 2 ** 20, ENDS[end]);
// Warm: the first pass compiles.
decode(bytes.subarray(0, bytes.length / 2));
events = units = 0;
const seconds = decode(bytes);
const found = `${events} events, ${units} units`;

const least = (run) => Math.min(run(), run(), run());
const short = oneLine(4_000_000);
const long = oneLine(16_000_000);
const lineGrowth = least(() => decode(long)) / least(() => decode(short));
console.log(JSON.stringify({ megabytesPerSecond: bytes.length / 1e6 / seconds, found, lineGrowth, violations: {} }));
