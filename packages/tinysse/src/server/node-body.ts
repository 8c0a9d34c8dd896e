import type { Clock } from '../clock.js';
import { iteratorOf, type Source } from '../hub/source.js';
import type { NodeRequest } from './node-shapes.js';

/**
 * Discards a body that nobody reads once the stream has begun: while it waits, Node reads nothing from the connection,
 * and so does not see that the client has left. Whoever awaited the answer may still begin to read in the same turn.
 * With a source the body is left to it until it has ended, because a source may read it at any time.
 * @returns the source to use instead
 */
export function discardUnread(req: NodeRequest, source: Source | undefined, clock: Clock): Source | undefined {
  if (req.readableFlowing !== null || req.readableEnded) return source;
  const discard = (): void =>
    clock.soon(() => {
      if (req.readableFlowing === null) req.resume?.();
    });
  if (source) return followed(source, discard);
  discard();
  return undefined;
}

/** A source that calls `ended` when it has ended by itself. */
function followed(source: Source, ended: () => void): Source {
  return {
    [Symbol.asyncIterator]() {
      const iterator = iteratorOf(source);
      return {
        async next() {
          const next = await iterator.next();
          if (next.done) ended();
          return next;
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
