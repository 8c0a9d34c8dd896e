import type { NodeResponse } from './node-shapes.js';

/** What is needed of Fastify's reply. */
interface Reply {
  readonly raw: object;
  getHeaders(): Record<string, string | number | string[] | undefined>;
}

type Diagnostics = { subscribe(channel: string, run: (message: unknown) => void): void };
type Runtime = { process?: { getBuiltinModule?(id: string): unknown } };

/** Replies by the responses that they stand for; undefined until the first server is created. */
let replies: WeakMap<object, Reply> | undefined;

/**
 * Learns of Fastify's replies where Fastify runs. Its plugins (@fastify/cors, @fastify/helmet) set headers on the reply, not on
 * Node's response; a route that gives that response away leaves them behind.
 * Source: https://fastify.dev/docs/latest/Reference/Hooks/#diagnostics-channel-hooks
 */
export function learnOfReplies(): void {
  if (replies) return;
  replies = new WeakMap();
  const diagnostics = (globalThis as Runtime).process?.getBuiltinModule?.('node:diagnostics_channel');
  (diagnostics as Diagnostics | undefined)?.subscribe('tracing:fastify.request.handler:start', (message) => {
    const { reply } = message as { reply: Reply };
    replies?.set(reply.raw, reply);
  });
}

/** Sets the headers of the reply on its response, if it is one of Fastify's, where the route has not set them itself. */
export function adoptReply(res: NodeResponse): void {
  const headers = replies?.get(res)?.getHeaders() ?? {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && res.getHeader?.(name) === undefined)
      res.setHeader(name, Array.isArray(value) ? value : String(value));
  }
}
