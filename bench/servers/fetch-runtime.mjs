import { listenOptions } from './common.mjs';

/** Serves a fetch handler on the runtime that this is. */
export async function serveFetch(fetch) {
  const { port, host, backlog } = listenOptions;
  if (globalThis.Bun) {
    globalThis.Bun.serve({ fetch, port, hostname: host, idleTimeout: 0 });
    return;
  }
  const { createAdaptorServer } = await import('@hono/node-server');
  createAdaptorServer({ fetch }).listen({ port, host, backlog });
}
