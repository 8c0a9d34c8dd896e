import * as React from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { type SSEHookOptions, type SSEResult, useSSE } from 'tinysse/react';

export { createSharedSSEClient, json } from 'tinysse/client';

export type ListOptions = SSEHookOptions<Record<string, string>, string, string[]>;

/** The last result of each list, how often any was rendered, and what its functions heard. */
export const results: Record<number, SSEResult<string[]>> = {};
export const counts = { renders: 0 };
export const seen: unknown[] = [];

const h = React.createElement;

/** Makes a list of the data; with functions of each rendering. */
function List({ n, url, options }: { n: number; url: string; options: ListOptions }) {
  counts.renders++;
  const result = useSSE<Record<string, string>, string, string[]>(url, {
    onReset: ({ reason }) => seen.push(`reset ${reason}`),
    retryInterval: 20,
    ...options,
    initial: [],
    reduce: options.reduce ?? ((list, { data }) => [...list, data]),
  });
  results[n] = result;
  return h('p', null, `${result.status} ${result.data.length} ${result.data.at(-1)}`);
}

export interface ListsProps {
  count: number;
  url?: string;
  options?: ListOptions;
}

export function Lists({ count, url = '/events', options = {} }: ListsProps) {
  return Array.from({ length: count }, (_, n) => h(List, { key: n, n, url, options }));
}

/** What a server renders, and a page hydrates. */
export function Text({ url }: { url: string }) {
  const { data, status, lastEventId } = useSSE(url, { initial: 'nothing yet' });
  return h('b', null, `${status}: ${data} ${lastEventId}`);
}

const strict = (what: React.ReactNode) => h(React.StrictMode, null, what);
const main = () => document.querySelector('main') ?? document.body.appendChild(document.createElement('main'));
let root: ReturnType<typeof createRoot> | undefined;

/** Renders with StrictMode. */
export function render(what: React.ReactNode): void {
  root ??= createRoot(main());
  root.render(strict(what));
}
export const show = (props: ListsProps): void => render(h(Lists, props));
export const showInside = (props: ListsProps): void => render(h('div', null, h(Lists, props)));
export const showActivity = (mode: 'hidden' | 'visible', props: ListsProps): void =>
  render(h(React.Activity, { mode, children: h(Lists, props) }));
export function hydrate(html: string, url: string): void {
  main().innerHTML = html;
  hydrateRoot(main(), strict(h(Text, { url })), { onRecoverableError: (error) => console.error(error) });
}
