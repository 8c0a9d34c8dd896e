import { SSEError } from '../errors.js';

/** As in `fetch`: what follows leads nowhere. Source: WHATWG Fetch, HTTP-redirect fetch. */
const MOST_REDIRECTS = 20;

/**
 * Fetches `url` and follows redirects, as `fetch` does by itself, but without letting the application's own headers go
 * to another origin: `fetch` keeps back no more than `Authorization` there. In a browser, which shows nobody where a
 * redirect leads, it is CORS that asks the other origin first.
 *
 * @param own - the application's headers; undefined if it has none
 * @param init - everything else, headers of the protocol included
 * @throws SSEError INVALID_OPTION: it leads to what is not HTTP
 */
export async function fetchSafely(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
  own: HeadersInit | undefined,
  init: RequestInit & { headers: Record<string, string> },
): Promise<Response> {
  for (let left = MOST_REDIRECTS; left >= 0; left--) {
    // Some runtimes fetch `data:` and `file:` as well.
    if (!/^https?:/.test(url)) throw new SSEError('INVALID_OPTION', `not HTTP: ${url}`);
    const headers = new Headers(own);
    for (const name in init.headers) headers.set(name, init.headers[name]!);
    const ask = (redirect: RequestRedirect) => fetch(url, { ...init, headers, redirect });
    if (!own) return ask('follow');
    const response = await ask('manual');
    if (response.type === 'opaqueredirect') return ask('follow');
    const to = /^30[12378]$/.test(`${response.status}`) && response.headers.get('location');
    if (!to) return response;
    response.body?.cancel();
    const next = new URL(to, url);
    if (next.origin !== new URL(url).origin) own = undefined;
    url = next.href;
  }
  throw new TypeError('too many redirects');
}
