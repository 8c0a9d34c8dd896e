/** What a channel provider sees of a request, on every runtime: the part of the standard `Request` that all can give. */
export type SSERequest = Pick<Request, 'method' | 'url' | 'headers' | 'signal'>;

/** What the runtime or the framework handed over beside the standard request. */
export interface ConnectContext {
  /** Node: the `IncomingMessage`. fetch: the second argument of `sse.fetch` (a framework's context, Bun's server, a Worker's env), else the `Request`. */
  readonly raw: unknown;
}
