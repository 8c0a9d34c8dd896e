import type * as anywhere from './runtime.js';

/** In a browser, which shows nobody where a redirect leads, CORS asks the other origin first whether it takes the headers. */
export const fetchSafely: typeof anywhere.fetchSafely = (fetch, url, init) => fetch(url, init);

/** Browsers do not warn. */
export const ownSignal: typeof anywhere.ownSignal = (signal) => signal;
