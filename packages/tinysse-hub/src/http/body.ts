import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refused } from './answer.js';

/**
 * Reads a request's body. It never settles when the client leaves before the end: there is nobody to answer.
 * @throws Refused 413 as soon as the body is known to be longer than `most` bytes, with `code`; no more of it is kept
 */
export function readBody(
  req: IncomingMessage,
  res: ServerResponse,
  most: number,
  code = 'EVENT_TOO_LARGE',
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = (): void =>
      reject(new Refused(413, code, `the body is longer than ${most} bytes; nothing was published`));
    if (Number(req.headers['content-length']) > most) return tooLarge();
    if (req.headers.expect !== undefined) res.writeContinue();

    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let length = 0;
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > most) {
        first = rest = undefined;
        req.off('data', take).off('end', end);
        return tooLarge();
      }
      if (first === undefined) first = chunk;
      else (rest ??= [first]).push(chunk);
    };
    const end = (): void => resolve(rest ? Buffer.concat(rest, length) : (first ?? Buffer.alloc(0)));
    req.on('data', take).on('end', end);
  });
}
