import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Observer } from 'tinysse';
import { patternHint } from './hints.js';
import type { Addresses } from './http/address.js';
import { whoOf } from './http/sender.js';

/** Channels of one line; a client of many would otherwise fill the log. */
const MOST_CHANNELS = 16;
/** Characters of a channel, which has at most 255 bytes unless it is refused, and of a reason. */
const [MOST_OF_NAME, MOST_OF_REASON] = [255, 500];

/** Why a request is refused. */
export interface RefusalReason {
  readonly code: string;
  readonly message: string;
}

/** One line in the log for each stream that begins, each that ends, and each request that is refused. */
export interface Journal {
  readonly observer: Required<Pick<Observer, 'connected' | 'disconnected' | 'refused'>>;
  refused(req: IncomingMessage, reason: RefusalReason): void;
  /** What was refused before it was a request. */
  unheard(address: string | undefined, reason: RefusalReason): void;
}

/** A line never holds a header or a query: those may carry tokens. */
export function createJournal(logger: Logger, addresses: Addresses): Journal {
  const sender = (req: IncomingMessage): object => ({ who: whoOf(req), address: addresses.of(req) });
  const refused: Journal['refused'] = (req, { code, message }) => {
    const [path = '', query = ''] = (req.url ?? '').split('?', 2);
    const channels = new URLSearchParams(query).getAll('channel');
    logger.info(
      {
        ...sender(req),
        method: req.method,
        path: path.slice(0, 200),
        ...some(channels),
        code,
        why: code === 'INVALID_PARAMETER' ? 'the query is not understood' : message.slice(0, MOST_OF_REASON),
      },
      'refused',
    );
  };
  return {
    refused,
    unheard: (address, { code, message }) =>
      logger.info({ address, code, why: message.slice(0, MOST_OF_REASON) }, 'refused'),
    observer: {
      connected: ({ context, channels }) =>
        logger.info(
          { ...sender(context.raw as IncomingMessage), ...some(channels), hint: patternHint(channels) },
          'connected',
        ),
      disconnected: ({ context, channels }, { reason, events, ms }) =>
        logger.info(
          { ...sender(context.raw as IncomingMessage), ...some(channels), why: reason, events, seconds: ms / 1_000 },
          'disconnected',
        ),
      refused: (_request, context, error) => refused(context.raw as IncomingMessage, error),
    },
  };
}

function some(channels: readonly string[]): object {
  if (channels.length === 0) return {};
  const first = channels.slice(0, MOST_CHANNELS).map((channel) => channel.slice(0, MOST_OF_NAME));
  const more = channels.length - first.length;
  return more === 0 ? { channels: first } : { channels: first, moreChannels: more };
}
