import type { IncomingMessage } from 'node:http';

const senders = new WeakMap<IncomingMessage, string>();

/** Notes who sends a request, for the log, once a token has told. */
export function identify(req: IncomingMessage, who: string | undefined): void {
  if (who !== undefined) senders.set(req, who);
}

/** Who sends a request, where a token has told. */
export const whoOf = (req: IncomingMessage): string | undefined => senders.get(req);
