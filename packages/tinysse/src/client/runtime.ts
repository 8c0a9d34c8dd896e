import { SSEError } from '../errors.js';
import { isFetchable, type SafeInit } from './request.js';

// What differs between browsers, which get `runtime-browser.ts` by the import map of the package, and all other runtimes.

/** As in `fetch`: what follows leads nowhere. Source: WHATWG Fetch, HTTP-redirect fetch. */
const MOST_REDIRECTS = 20;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The part of Node's `fetch` that sends requests, as undici lets programs replace it. */
interface Dispatcher {
  dispatch(options: object, handler: unknown): boolean;
}

/** Node ends a response that is silent for 300 s. A quiet stream is no failure, so its limits are lifted here. */
function withoutTimeouts(fetch: Fetch): object {
  const key = Symbol.for('undici.globalDispatcher.1');
  const agent = fetch === globalThis.fetch && (globalThis as { [key]?: Dispatcher })[key];
  if (!agent) return {};
  const dispatch: Dispatcher['dispatch'] = (options, handler) =>
    agent.dispatch({ ...options, bodyTimeout: 0, headersTimeout: 0 }, handler);
  return { dispatcher: { dispatch } };
}

/**
 * Fetches `url` and follows redirects, as `fetch` does by itself, but without letting what belongs to the endpoint go
 * to another origin: `fetch` keeps back no more than `Authorization` there. A redirect that asks to send the body to
 * another origin is not followed but returned.
 *
 * @param travels - names of headers that may go to other origins, in lower case
 * @throws SSEError INVALID_OPTION: it leads where nothing can be fetched
 */
export async function fetchSafely(
  fetch: Fetch,
  url: string,
  init: SafeInit,
  travels: readonly string[],
): Promise<Response> {
  let { method, body } = init;
  const headers = new Headers(init.headers);
  const own = (): string[] => [...headers.keys()].filter((name) => !travels.includes(name));
  const all = { ...init, ...withoutTimeouts(fetch), headers };
  for (let left = MOST_REDIRECTS; left >= 0; left--) {
    const redirect = own().length || body ? 'manual' : 'follow';
    const response = await fetch(url, { ...all, method, body, redirect } as RequestInit);
    const { status } = response;
    const to = /^30[12378]$/.test(`${status}`) && response.headers.get('location');
    if (!to) return response;
    const next = new URL(to, url);
    if (!isFetchable(next.href)) throw new SSEError('INVALID_OPTION', 'not a URL that can be fetched');
    const leaves = next.origin !== new URL(url).origin;
    if (status === 303 || (status < 303 && /^post$/i.test(method!))) {
      method = body = undefined;
      headers.delete('content-type');
    } else if (leaves && body) return response;
    response.body?.cancel().catch(() => {});
    if (leaves) for (const name of own()) headers.delete(name);
    url = next.href;
  }
  throw new TypeError('too many redirects');
}

/**
 * A signal that is aborted with another: Node warns of a leak where more than ten listen to one, and many clients may share
 * the application's.
 */
export const ownSignal = (signal: AbortSignal | undefined): AbortSignal | undefined =>
  signal && (AbortSignal.any?.([signal]) ?? signal);
