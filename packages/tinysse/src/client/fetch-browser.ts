import type { fetchSafely as anywhere } from './fetch.js';

/**
 * As in `fetch.ts`, in a browser: that shows nobody where a redirect leads, and asks the other origin first whether it takes
 * the headers (CORS).
 */
export const fetchSafely: typeof anywhere = (fetch, url, init) => fetch(url, init);
