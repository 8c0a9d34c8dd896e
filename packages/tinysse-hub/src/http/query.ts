import { Refused } from './answer.js';

/**
 * Reads a query as forms write it, `+` for a space; much cheaper than URLSearchParams for the few that come.
 * @param query - without its `?`
 * @param take - is given each pair in order
 * @throws Refused 400 for escapes that are not UTF-8
 */
export function eachParameter(query: string, take: (name: string, value: string) => void): void {
  for (let start = 0; start < query.length; ) {
    let end = query.indexOf('&', start);
    if (end < 0) end = query.length;
    if (end > start) {
      const equals = query.indexOf('=', start);
      const split = equals < 0 || equals > end ? end : equals;
      take(decode(query.slice(start, split)), decode(query.slice(split + 1, end)));
    }
    start = end + 1;
  }
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new Refused(
      400,
      'INVALID_PARAMETER',
      `the query holds ${JSON.stringify(text)}, which is not percent-encoded UTF-8`,
    );
  }
}

/** @returns what a route answers to a parameter that it does not have */
export function unknownParameter(name: string, known: readonly string[]): Refused {
  return new Refused(
    400,
    'INVALID_PARAMETER',
    `unknown parameter ${JSON.stringify(name)}; known are ${known.join(', ')}`,
  );
}
