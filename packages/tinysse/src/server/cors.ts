import { SSEError } from '../errors.js';
import type { SSERequest } from './request.js';

/** Which pages of other origins may read streams. */
export interface CorsOptions {
  /**
   * Origins as browsers write them (`https://app.example`, `capacitor://localhost`), compared exactly; their pages may send
   * cookies. Or `'*'`: every page, but none with cookies.
   */
  origins: '*' | readonly string[];
}

/** The CORS protocol for one server. Source: https://fetch.spec.whatwg.org/#http-cors-protocol */
export interface Cors {
  /** Headers that let the page which asks read the answer, whatever it will be. */
  headers(request: SSERequest): Record<string, string>;
}

/** How long a browser may remember what a page may send, in seconds; Chromium takes no more. */
const MAX_AGE = '7200';

const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+$|^null$/i;

/** @throws SSEError INVALID_OPTION */
export function createCors({ origins, ...rest }: CorsOptions): Cors {
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalid(`cors.${unknown} is not an option of createSSEServer`);
  if (origins !== '*' && !Array.isArray(origins)) throw invalid("cors.origins must be '*' or an array of origins");
  const named = new Set<string>(origins === '*' ? [] : origins);
  for (const origin of named)
    if (!ORIGIN.test(origin))
      throw invalid(
        `cors.origins: ${JSON.stringify(origin)} is no origin; write it as https://app.example, without a path`,
      );
  return {
    headers(request) {
      const origin = request.headers.get('origin');
      const preflight = isPreflight(request);
      // What is kept for one origin must not be taken for the answer to another.
      const vary = [origins !== '*' && 'Origin', preflight && 'Access-Control-Request-Headers']
        .filter(Boolean)
        .join(', ');
      const headers: Record<string, string> = vary ? { vary } : {};
      if (origin === null || (origins !== '*' && !named.has(origin))) return headers;
      headers['access-control-allow-origin'] = origins === '*' ? '*' : origin;
      if (origins !== '*') headers['access-control-allow-credentials'] = 'true';
      if (!preflight) return { ...headers, 'access-control-expose-headers': 'Retry-After' };
      // An application knows which headers its provider reads; a page of a named origin may send any.
      const wanted = request.headers.get('access-control-request-headers');
      return {
        ...headers,
        'access-control-allow-methods': 'GET, HEAD, POST',
        ...(wanted !== null && { 'access-control-allow-headers': wanted }),
        'access-control-max-age': MAX_AGE,
      };
    },
  };
}

/** Whether a request is a browser's question on behalf of a page. */
const isPreflight = ({ method, headers }: Pick<SSERequest, 'method' | 'headers'>): boolean =>
  method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method');

const invalid = (message: string): SSEError => new SSEError('INVALID_OPTION', message);
