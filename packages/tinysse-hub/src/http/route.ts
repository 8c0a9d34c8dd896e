import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request. What it throws becomes the answer. @param query - what follows the `?` */
export type Handler = (req: IncomingMessage, res: ServerResponse, query: string) => void | Promise<void>;

/** What is at a path. */
export interface Route {
  readonly methods: readonly string[];
  readonly handle: Handler;
}

export const READ: readonly string[] = ['GET', 'HEAD'];
