/** What `fetch` takes beside a URL. */
export type SafeInit = RequestInit & { headers: Headers };

/** Whether `fetch` takes a URL: not every runtime refuses what is not HTTP, but all refuse one with a password. */
export const isFetchable = (url: string): boolean => /^https?:..(?![^/]*@)/.test(url);

/**
 * Puts `lastEventId` into a URL's query, before one that is there already, and leaves the rest as it is written: URLs may be
 * signed.
 */
export function askInQuery(url: URL, id: string): void {
  url.search = `?lastEventId=${encodeURIComponent(id)}${url.search.replace('?', '&')}`;
}

/** Sets `Last-Event-ID`. A header takes bytes: those of UTF-8, one a unit. */
export const askInHeader = (headers: Headers, id: string): void =>
  headers.set('last-event-id', String.fromCharCode(...new TextEncoder().encode(id)));

/** Where a cursor is kept, and whose connection tabs share. */
export const storageKey = (url: string, identity = ''): string => `tinysse:${url}${identity && ` ${identity}`}`;
