/** Parameters of a query that name what is asked for; any other may be a token, a key or a signature. */
const PLAIN = new Set(['channel', 'lastEventId', 'event']);

/** What a URL begins with; the parser of URLs takes those of the web without slashes too. */
const SCHEME = /^(?:[a-z][\w+.-]*:\/\/|(?:https?|rediss?):[\\/]*)/i;

/**
 * A text as it may be printed: of a URL, neither a user and password nor a fragment nor the values of its query, except for
 * those that the hub knows to be no secrets.
 */
export function shown(text: string): string {
  const [scheme] = SCHEME.exec(text) ?? [];
  if (scheme !== undefined) return scheme + partsOf(text.slice(scheme.length));
  return text.includes('://') ? partsOf(text) : text;
}

/** A value that was refused, as it may be printed: it may be a URL whose scheme was forgotten. */
export const shownRefused = (text: string): string =>
  !SCHEME.test(text) && /:[^]*@|\?[^]*=/.test(text) ? partsOf(text) : shown(text);

function partsOf(url: string): string {
  // Up to the last @: a password that is not escaped may hold others.
  const [whole = '', fragment] = split(url.replace(/^[^]*@/, '…@'), '#');
  const [base = '', query] = split(whole, '?');
  const pairs = query?.split('&').map((pair) => {
    const [name = ''] = pair.split('=', 1);
    return PLAIN.has(name) || name === pair ? pair : `${name}=…`;
  });
  return base + (pairs ? `?${pairs.join('&')}` : '') + (fragment === undefined ? '' : '#…');
}

/**
 * A message of commander, of what it does not know only the name: what follows may be a secret, with any characters in it.
 * Its suggestion, at the end, names only what it knows.
 */
export function withoutValues(message: string): string {
  const [, start = '', rest = ''] = /^(error: unknown (?:option|command) '[\w.-]*)([^]*)$/.exec(message) ?? [];
  if (start === '') return message;
  const [hint = ''] = /\n\(Did you mean [\w, -]+\?\)$/.exec(rest) ?? [];
  const left = rest.slice(0, rest.length - hint.length);
  return `${start}${left === "'" ? '' : left.startsWith('=') ? '=…' : '…'}'${hint}`;
}

function split(text: string, at: string): [before: string, after: string | undefined] {
  const mark = text.indexOf(at);
  return mark < 0 ? [text, undefined] : [text.slice(0, mark), text.slice(mark + 1)];
}
