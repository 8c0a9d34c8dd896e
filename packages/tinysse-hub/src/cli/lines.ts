import { Failure } from '../problems.js';

/**
 * Cuts a stream of bytes into lines without their ends (LF or CRLF), each as soon as it is whole; what follows the last
 * end is a line too. Bytes stay bytes: whether they are text is for the hub to say.
 * @throws Failure for a line of more than `most` bytes
 */
export async function* linesOf(input: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer, void, void> {
  let begun: Buffer[] = [];
  let length = 0;
  const whole = (end: Buffer): Buffer => {
    const line = begun.length > 0 ? Buffer.concat([...begun, end]) : end;
    begun = [];
    length = 0;
    return line.at(-1) === 13 ? line.subarray(0, -1) : line;
  };
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield whole(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) continue;
    begun.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > most) throw new Failure(`longer than ${most} bytes, the most that an event may have`);
  }
  if (begun.length > 0) yield whole(Buffer.alloc(0));
}
