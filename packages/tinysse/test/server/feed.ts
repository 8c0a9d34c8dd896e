import type { Source, SourceEvent } from 'tinysse';
import { later } from './parts.js';

/** An async source that gives what a test hands it, and notes when it is given back. */
export function handFed() {
  const wanted: ((result: IteratorResult<SourceEvent>) => void)[] = [];
  const waiting: IteratorResult<SourceEvent>[] = [];
  const returned = later();
  const counts = { pulled: 0, returned: 0 };
  const give = (result: IteratorResult<SourceEvent>): void => {
    const want = wanted.shift();
    if (want) want(result);
    else waiting.push(result);
  };
  const source: Source = {
    [Symbol.asyncIterator]: () => ({
      next() {
        counts.pulled++;
        const result = waiting.shift();
        return result ? Promise.resolve(result) : new Promise((resolve) => wanted.push(resolve));
      },
      async return() {
        counts.returned++;
        returned.resolve();
        return { done: true, value: undefined };
      },
    }),
  };
  return {
    source,
    counts,
    returned: returned.promise,
    give: (value: SourceEvent) => give({ value }),
    end: () => give({ done: true, value: undefined }),
  };
}
