/** Parameters of a query that name what is asked for; any other may be a token, a key or a signature. */
const PLAIN = new Set(['channel', 'lastEventId', 'event']);

/**
 * A text as it may be printed: of a URL, neither a user and password nor the values of its query, except for those that the hub
 * knows to be no secrets.
 */
export function shown(text: string): string {
  if (!text.includes('://')) return text;
  // Up to the last @: a password that is not escaped may hold others.
  const [base = '', query] = split(text.replace(/:\/\/\S*@/, '://…@'));
  if (query === undefined) return base;
  const pairs = query.split('&').map((pair) => {
    const [name = ''] = pair.split('=', 1);
    return PLAIN.has(name) || name === pair ? pair : `${name}=…`;
  });
  return `${base}?${pairs.join('&')}`;
}

/** What `--name=value` says, without the value: of an unknown option nobody knows whether it is a secret. */
export const withoutValues = (message: string): string => message.replace(/(--?[\w-]+=)[^'\s]*/g, '$1…');

function split(url: string): [base: string, query: string | undefined] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, undefined] : [url.slice(0, mark), url.slice(mark + 1)];
}
