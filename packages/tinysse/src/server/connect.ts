import { SSEError } from '../errors.js';
import type { Hub, SubscribeOptions } from '../hub/hub.js';
import { channelNames } from '../hub/publish.js';
import type { ChannelName } from '../protocol/event.js';
import type { Cors } from './cors.js';
import { observe } from './observer.js';
import type { Settings, Subscription } from './options.js';
import { resolve } from './provider.js';
import { type Refusal, refuse, STREAM_HEADERS } from './refusal.js';
import type { ConnectContext, SSERequest } from './request.js';

/** A stream that may begin: everything a hub wants to know but the sink. */
export type Accepted = Omit<SubscribeOptions, 'sink' | 'onClose'>;

/** What to answer a request. */
export type Decision =
  | {
      readonly kind: 'stream';
      readonly stream: Accepted;
      readonly context: ConnectContext;
      readonly headers: Record<string, string>;
    }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'response'; readonly response: Response };

/** Decides what a request gets, before any header is sent. */
export class Connector {
  readonly #hub: Hub;
  readonly #settings: Settings;

  constructor(hub: Hub, settings: Settings) {
    this.#hub = hub;
    this.#settings = settings;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#settings.clock.now();
  }

  /**
   * @param subscription - what an authorised route asks for; without it the channel provider is asked
   * @returns never rejects: every failure is a refusal
   */
  async decide(request: SSERequest, context: ConnectContext, subscription?: Subscription): Promise<Decision> {
    try {
      if (request.method === 'OPTIONS')
        return refusal({ status: 204, headers: this.#marked(request, { allow: 'GET, HEAD, POST' }), body: '' });
      this.#hub.admit();
      const wanted = subscription ?? (await resolve(this.#settings, request, context));
      if ('body' in wanted) return { kind: 'response', response: markedResponse(this.#settings.cors, request, wanted) };
      const stream = this.#stream(request, context, wanted);
      await this.#open();
      const headers = this.#marked(request, STREAM_HEADERS);
      if (request.method === 'HEAD') return refusal({ status: 200, headers, body: '' });
      if (!stream.controlEvents) await this.#refuseGap(stream);
      return { kind: 'stream', stream, context, headers };
    } catch (error) {
      return refusal(this.#refuse(request, context, error));
    }
  }

  /**
   * The decision as it stands now: others may have come while the provider or the log was asked.
   * To be called in the same step in which the stream begins, or more would begin than there is room for.
   */
  confirm(request: SSERequest, decision: Decision): Decision {
    if (decision.kind !== 'stream') return decision;
    try {
      this.#hub.admit();
      return decision;
    } catch (error) {
      return refusal(this.#refuse(request, decision.context, error));
    }
  }

  /** To be called as a stream begins. @returns what its end is to be told to, if anybody wants to know */
  begun(
    request: SSERequest,
    { stream: { channels }, context }: Extract<Decision, { kind: 'stream' }>,
  ): SubscribeOptions['onClose'] {
    const { observer, clock } = this.#settings;
    return observe(observer, { request, context, channels }, clock.now);
  }

  #stream(request: SSERequest, context: ConnectContext, wanted: Subscription): Accepted {
    const { limits, replayAllOnConnect, snapshot: usual } = this.#settings;
    const { source, expiresAt } = wanted;
    const controlEvents = wanted.controlEvents ?? this.#settings.controlEvents;
    const snapshot = wanted.snapshot ?? (source || !controlEvents ? undefined : usual);
    checkEvents(wanted, controlEvents);
    const none = wanted.channels === undefined || wanted.channels.length === 0;
    const channels: ChannelName[] = none && source ? [] : channelNames(wanted.channels ?? [], limits.channelsPerClient);
    const from = lastEventId(request) ?? wanted.from ?? (replayAllOnConnect ? 'earliest' : 'latest');
    return {
      channels,
      from,
      source,
      snapshot: snapshot && (() => snapshot({ channels, request, context })),
      controlEvents,
      expiresAt: expiresAt === undefined ? undefined : expiry(expiresAt),
    };
  }

  async #open(): Promise<void> {
    try {
      await this.#hub.open();
    } catch (cause) {
      this.#settings.logger('the log cannot be opened', cause);
      throw new SSEError('LOG_UNAVAILABLE', 'the log cannot be reached; reconnect later', { cause });
    }
  }

  /** A client that cannot be told of a gap in the stream is told before it. */
  async #refuseGap({ channels, from }: Accepted): Promise<void> {
    const reason = from === 'latest' ? undefined : await this.#hub.gap(channels, from);
    if (reason)
      throw new SSEError('GAP', `events after ${from} may be missing (${reason}); connect without a Last-Event-ID`);
  }

  #refuse(request: SSERequest, context: ConnectContext, error: unknown): Refusal {
    const { random, refusalBody, logger, observer } = this.#settings;
    if (!(error instanceof SSEError)) logger('a connection failed', error);
    const known =
      error instanceof SSEError ? error : new SSEError('PROVIDER_FAILED', 'the server failed; reconnect later');
    observer.refused?.(request, context, known);
    const eventStream = request.headers.get('accept')?.includes('text/event-stream') ?? false;
    const answer = refuse(known, { eventStream, body: refusalBody, random });
    return { ...answer, headers: this.#marked(request, answer.headers) };
  }

  /** Headers, and with them those that let a page of another origin read the answer. */
  #marked(request: SSERequest, headers: Record<string, string>): Record<string, string> {
    const { cors } = this.#settings;
    return cors ? { ...headers, ...cors.headers(request) } : headers;
  }
}

function markedResponse(cors: Cors | undefined, request: SSERequest, response: Response): Response {
  if (!cors) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(cors.headers(request)))
    if (name === 'vary' || name === 'access-control-expose-headers') headers.append(name, value);
    else headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

const refusal = (answer: Refusal): Decision => ({ kind: 'refusal', refusal: answer });

const isIterable = (source: unknown): boolean =>
  typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);

/** What a subscription brings must be events, and a client must be able to tell a snapshot from them. */
function checkEvents({ source, snapshot }: Subscription, controlEvents: boolean): void {
  if (source !== undefined && !isIterable(source)) throw new TypeError('source must be an (async) iterable of events');
  if (snapshot === undefined) return;
  if (typeof snapshot !== 'function')
    throw new SSEError('INVALID_OPTION', 'snapshot must be a function that returns an (async) iterable of events');
  if (source !== undefined) throw new SSEError('INVALID_OPTION', 'snapshot and source cannot stand together');
  if (!controlEvents) throw new SSEError('INVALID_OPTION', 'snapshot needs control events');
}

/** A time that is none would end every stream as it begins, and have its client return for ever. */
function expiry(expiresAt: number | Date): number {
  const at = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  if (typeof at === 'number' && !Number.isNaN(at)) return at;
  throw new TypeError(`expiresAt must be a Date or milliseconds since 1970, not ${String(expiresAt)}`);
}

/** Gives back the source of a subscription that comes to no stream, as it would be when its client leaves. */
export function discard(subscription: Subscription | undefined): void {
  const source = subscription?.source;
  if (!source) return;
  try {
    const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    Promise.resolve(iterator.return?.()).catch(() => {});
  } catch {
    // Nobody is left to be told that it cannot be given back.
  }
}

/** The position that the client asks for: by header, or by query where a header would cost a preflight. */
function lastEventId(request: SSERequest & { lastEventId?: string | undefined }): string | undefined {
  // A binding that knows the header spares the making of all of them.
  const header = 'lastEventId' in request ? request.lastEventId : request.headers.get('last-event-id');
  if (header) return header;
  const { url } = request;
  const query = url.indexOf('?');
  if (query < 0 || !url.includes('lastEventId=', query)) return undefined;
  return new URLSearchParams(url.slice(query + 1)).get('lastEventId') || undefined;
}
