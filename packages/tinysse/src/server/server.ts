import { Hub, type HubStats } from '../hub/hub.js';
import type { ChannelStats, ChannelsQuery } from '../hub/presence.js';
import type { PublishInput } from '../hub/publish.js';
import type { Source } from '../hub/source.js';
import type { MaybePromise } from '../log/log.js';
import { memoryLog } from '../log/memory.js';
import type { Codec, CodecFor } from '../protocol/codec.js';
import { channelName } from '../protocol/event.js';
import { Connector } from './connect.js';
import { type DataOf, type EventOf, encoded, encodedSource, type Raw, type SendInput } from './encoding.js';
import { learnOfReplies } from './fastify.js';
import { respond } from './fetch.js';
import { type Named, namedServer, unnamedServer } from './named.js';
import { serve } from './node.js';
import type { NodeRequest, NodeResponse } from './node-shapes.js';
import { type SnapshotOf, type SSEServerOptions, type Subscription, settings } from './options.js';
import type { SSERequest } from './request.js';

/**
 * A server of event streams; see {@link createSSEServer}. Its functions may be passed around without it. `Events` are the
 * types of the events' data by the events' names; a codec makes text of it.
 */
export interface SSEServer<Events extends object = Raw> {
  /**
   * Serves a Node request, HTTP/1.1 or HTTP/2: a request listener, and a middleware for Express and Connect.
   * The channel provider decides. `next` is called for OPTIONS only, and not for preflights that `cors` answers.
   */
  handler(req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void): void;
  /**
   * Serves a standard Request; the channel provider decides.
   * @param raw - becomes the provider's `context.raw`; default: the request. With an event of h3 version 1 (Nitro) here, a client
   *   that leaves is seen. On Node a stream of a plain Request ends after 15 minutes unless the provider gives `expiresAt`, and
   *   its client resumes: the Request may be one that does not tell when its client has left.
   */
  fetch(request: SSERequest, raw?: unknown): Promise<Response>;
  /** Serves a Node request from a route that has authorised it. Resolves when the answer has begun; never rejects. */
  serve(req: NodeRequest, res: NodeResponse, subscription: Subscription<EventOf<Events>>): Promise<void>;
  /** Serves a standard Request from a route that has authorised it. @param raw - as of {@link SSEServer.fetch} */
  respond(request: SSERequest, subscription: Subscription<EventOf<Events>>, raw?: unknown): Promise<Response>;
  /**
   * Publishes an unnamed event to channels.
   * @param data - what the codec takes; without one a string, or bytes that are valid UTF-8
   * @returns the event's cursor, once the log has accepted it
   * @throws SSEError INVALID_CHANNEL, INVALID_DATA, NO_CHANNEL, TOO_MANY_CHANNELS, EVENT_TOO_LARGE, or a LOG code;
   *   its `outcome` says whether the event may be in the log. A failure that nobody awaits is only logged.
   */
  publish(data: DataOf<Events, 'message'>, ...channels: string[]): Promise<string>;
  /** Publishes a named event to channels; as {@link SSEServer.publish}, and INVALID_EVENT, RESERVED_EVENT. */
  publishEvent<Name extends keyof Events & string>(
    event: Name,
    data: Events[Name],
    ...channels: string[]
  ): Promise<string>;
  /** Publishes; the full form. As {@link SSEServer.publishEvent}, and INVALID_KEY, KEY_REUSED, LOG_KEYS_FULL. */
  send(input: SendInput<Events>): Promise<string>;
  /**
   * Publishes several events in the order given: cheaper than one by one, and a log on disk commits them together. One
   * that is refused for what it is keeps none of the others back; once the log has not taken one (a LOG code), those after it
   * are refused as well, so that sending them again keeps the order.
   * @returns what became of each, in order: its cursor as `value`, or as `reason` what {@link SSEServer.send} would throw
   */
  sendAll(inputs: readonly SendInput<Events>[]): Promise<PromiseSettledResult<string>[]>;
  /**
   * The log's head as a cursor. Take it, read a snapshot, then start streams `from` it: nothing falls in between.
   * @throws SSEError LOG_UNAVAILABLE
   */
  cursor(): Promise<string>;
  /**
   * Ends every stream that is subscribed to a channel; clients reconnect and the provider is asked again.
   * Those of this server at once, and those of other servers that share its log as soon as they hear of it.
   * @returns how many streams of this server, when every other one has been told
   * @throws SSEError INVALID_CHANNEL, LOG_UNAVAILABLE: the others may not have been told
   */
  disconnect(target: { channel: string }): Promise<number>;
  /**
   * Measures the channels that have subscribers, at this server or another that shares its log, in order of name.
   * @throws SSEError LOG_UNAVAILABLE
   */
  channels(query?: ChannelsQuery): Promise<ChannelStats[]>;
  /** Measures a channel, over all servers that share the log. @throws SSEError INVALID_CHANNEL, LOG_UNAVAILABLE */
  stats(target: { channel: string }): Promise<ChannelStats>;
  /** Measures the server; a log that is away is undefined, and keeps nobody from knowing the rest. */
  stats(): Promise<HubStats>;
  /**
   * Refuses newcomers and publishes, and ends every stream, telling clients to come back within seconds: live ones at
   * once, those behind when they have caught up, all after `drainMs` milliseconds (default 10,000).
   * A log that was passed to the server stays open.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/**
 * Creates a server of event streams.
 *
 * @throws SSEError INVALID_OPTION
 * @example
 * const sse = createSSEServer({ channelProvider: { resolveChannels: () => ['all'] } });
 * http.createServer(sse.handler).listen(8080);
 * await sse.publish('hello', 'all');
 */
export function createSSEServer<Events extends object = Raw>(
  options: SSEServerOptions<Events> & CodecFor<Events, Raw[string]> = {} as never,
): SSEServer<Events> {
  const { name }: SSEServerOptions<Events> = options;
  if (name === undefined) return create<Events>(options, unnamedServer(settings(options).logger)).server;
  return namedServer(name, options as SSEServerOptions<Events>, (closed) => create<Events>(options, closed));
}

/** @param closed - called when the server is closed */
function create<Events extends object>(
  options: SSEServerOptions<Events>,
  closed: () => void,
): Named<SSEServer<Events>, SSEServerOptions<Events>> {
  const set = settings(options);
  learnOfReplies();
  const { clock, logger } = set;
  const { historyReplayBuffer: buffer } = options;
  let codec: Codec | undefined = options.codec;
  const log = options.log ?? memoryLog({ clock, ...(buffer !== undefined && { maxEventsPerChannel: buffer }) });
  const hub = new Hub({ ...set, log });
  const connector = new Connector(hub, set);
  const node = { hub, connector, clock, logger };

  type Input = Omit<PublishInput, 'data'> & { data: unknown };
  const ready = (input: Input): PublishInput => (codec ? encoded(codec, input) : input) as PublishInput;
  const failed = (error: unknown): void => logger('a publish failed', error);

  let swapped = false;
  /** Data that is the name of a channel with subscribers, to channels that have none: told once, as it is done each time. */
  const warnOfSwapped = ({ data, channels }: Input): void => {
    if (swapped || typeof data !== 'string' || !hub.hears(data) || [channels].flat().some((name) => hub.hears(name)))
      return;
    swapped = true;
    logger(
      `${JSON.stringify(data)} was published to ${JSON.stringify(channels)}, which nobody is subscribed to, while ${JSON.stringify(data)} is a ` +
        'channel that somebody is subscribed to. Are the arguments swapped? publish(data, ...channels) takes the data first',
    );
  };

  /** A publish that nobody awaits must not end the process when it fails. */
  const publish = (input: Input): Promise<string> => {
    let answer: MaybePromise<string>;
    try {
      warnOfSwapped(input);
      answer = hub.publish(ready(input));
    } catch (error) {
      answer = Promise.reject(error);
    }
    if (!(answer instanceof Promise)) return Promise.resolve(answer);
    answer.catch(failed);
    return answer;
  };

  const publishAll = async (inputs: readonly Input[]): Promise<PromiseSettledResult<string>[]> => {
    const results = await hub.publishAll(inputs, ready);
    for (const result of results) if (result.status === 'rejected') failed(result.reason);
    return results;
  };

  const text = (source: Source): Source => (codec ? encodedSource(codec, source) : source);
  const textSnapshot = (snapshot: unknown): SnapshotOf | undefined =>
    typeof snapshot === 'function' ? async (client) => text(await (snapshot as SnapshotOf)(client)) : undefined;
  const own = (subscription: Subscription<EventOf<Events>>): Subscription => {
    const { source, snapshot } = subscription as Subscription;
    return { ...subscription, source: source && text(source), snapshot: snapshot && textSnapshot(snapshot) };
  };

  const stats = async (target?: { channel: string }): Promise<HubStats | ChannelStats> => {
    if (!target) return hub.stats();
    const channel = channelName(target.channel);
    await hub.open();
    return hub.presence.channel(channel);
  };

  const update = (later: SSEServerOptions<Events>): void => {
    const { provider, cors, refusalBody, snapshot } = settings(later);
    Object.assign(set, { provider, cors, refusalBody, snapshot: textSnapshot(snapshot) });
    codec = later.codec;
  };
  Object.assign(set, { snapshot: textSnapshot(set.snapshot) });

  const server: SSEServer<Events> = {
    handler(req, res, next) {
      if (req.method === 'OPTIONS' && next && !(set.cors && 'access-control-request-method' in req.headers)) next();
      else void serve(node, req, res);
    },
    fetch: (request, raw) => respond(hub, connector, request, raw ?? request),
    serve: (req, res, subscription) => serve(node, req, res, own(subscription)),
    respond: (request, subscription, raw) => respond(hub, connector, request, raw ?? request, own(subscription)),
    publish: (data, ...channels) => publish({ data, channels }),
    publishEvent: (event, data, ...channels) => publish({ event, data, channels }),
    send: publish,
    sendAll: publishAll,
    cursor: () => hub.cursor(),
    disconnect: async ({ channel }) => hub.presence.disconnect(channelName(channel)),
    async channels(query = {}) {
      await hub.open();
      return hub.presence.channels(query);
    },
    stats: stats as SSEServer['stats'],
    async close({ drainMs = 10_000 } = {}) {
      closed();
      await hub.close(drainMs);
      if (!options.log) await log.close();
    },
  };
  return { server, update };
}
