import { shown } from '../shown.js';

/** Where an answer redirects to, as it may be printed: the hub follows no redirect of a URL in its settings. */
export function redirectOf(status: number, location: string | null | undefined, from: URL): string | undefined {
  if (status < 300 || status >= 400 || !location || !URL.canParse(location, from)) return undefined;
  return shown(new URL(location, from).href);
}
